# What sshdoctor needs to know of a login that fails, in the words of the tools that are there. It looks at names and at
# who may read them, at nothing that stands in a file, asks nothing, changes nothing (but that an ssh which is told to
# accept new host keys notes one), and ends by itself. Its output is read by `sshdoctor log`.
& {
    $target = TARGET
    $typed = TYPED
    $given = @(OPTIONS)
    function Section($name) { ''; "=== sshdoctor kit 1: $name ===" }
    function Run($program, $words) {
        $ErrorActionPreference = 'Continue'
        if (-not (Get-Command $program -ErrorAction SilentlyContinue)) { "sshdoctor kit: no $program"; return }
        & $program @words 2>&1 | ForEach-Object { "$_" }
        "sshdoctor kit: status $LASTEXITCODE"
    }
    Section 'date'
    Get-Date -Format 'yyyy-MM-ddTHH:mm:sszzz'
    Section 'system'
    "Windows $([Environment]::OSVersion.Version)"
    Section 'id'
    whoami
    Section 'environment'
    "TARGET=$target"
    "TYPED=$typed"
    "HOME=$HOME"
    "SSH_AUTH_SOCK=$env:SSH_AUTH_SOCK"
    "agent=$((Get-Service ssh-agent -ErrorAction SilentlyContinue).Status)"
    Section 'ssh -V'
    Get-Command ssh -All -ErrorAction SilentlyContinue | ForEach-Object { $_.Source }
    Run 'ssh' @('-V')
    Section 'ssh-add -l'
    Run 'ssh-add' @('-l')
    Section 'ssh -G'
    $config = Run 'ssh' (@('-G') + $given + $target) | ForEach-Object { $_ -replace '^(setenv [^=]*)=.*', '$1=(left out)' }
    $config
    Section 'files'
    $files = @("$HOME\.ssh")
    $files += Get-ChildItem "$HOME\.ssh" -ErrorAction SilentlyContinue | Select-Object -First 100 | ForEach-Object { $_.FullName }
    $files += $config | Where-Object { $_ -match '^identityfile ' } | ForEach-Object { $_ -replace '^identityfile ', '' -replace '^~', $HOME }
    foreach ($file in $files) {
        if (Test-Path -LiteralPath $file) { "there: $file"; icacls $file } else { "missing: $file" }
    }
    Section 'ssh -vvv'
    $words = @('-vvv', '-n')
    $options = 'BatchMode=yes', 'ConnectTimeout=20', 'ServerAliveInterval=5', 'ServerAliveCountMax=3'
    $options += 'IgnoreUnknown=UpdateHostKeys,RemoteCommand', 'UpdateHostKeys=no', 'RemoteCommand=none'
    $options += 'ControlMaster=no', 'ControlPath=none', 'ClearAllForwardings=yes', 'PermitLocalCommand=no'
    foreach ($option in $options) { $words += '-o', $option }
    $words += $given
    $words += $target, 'true'
    Run 'ssh' $words | Select-Object -First 3000 | ForEach-Object { $_ -replace '(etting env \S+ = ).*', '$1(left out)' }
    Section 'end'
}
