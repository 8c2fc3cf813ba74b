//! Pastes as they come.

use super::*;

fn known(line: &str) -> bool {
    let begins = ["debug1: ", "debug2: ", "Permission denied (", "OpenSSH_", "Nov 30 ", "Load key "];
    begins.iter().any(|begin| line.starts_with(begin))
}

fn read(bytes: &[u8], step: usize) -> Vec<(u64, String)> {
    let mut lines = Vec::new();
    let mut paste = Paste::new(&known);
    let mut sink = |number: u64, line: &str| lines.push((number, line.to_owned()));
    for part in bytes.chunks(step.max(1)) {
        paste.feed(part, &mut sink).unwrap();
    }
    paste.end(&mut sink).unwrap();
    lines
}

/// The lines, which must not depend on how the bytes come.
fn lines(bytes: &[u8]) -> Vec<(u64, String)> {
    let whole = read(bytes, bytes.len());
    for step in [1, 3, 700] {
        assert_eq!(read(bytes, step), whole, "in steps of {step}");
    }
    whole
}

fn texts(text: &str) -> Vec<String> {
    lines(text.as_bytes()).into_iter().map(|(_, line)| line).collect()
}

#[test]
fn every_kind_of_line_end_is_one() {
    for (text, numbers) in [
        ("debug1: a\ndebug1: b\n", [1, 2]),
        ("debug1: a\r\ndebug1: b", [1, 2]),
        ("debug1: a\rdebug1: b\r", [1, 2]),
        ("debug1: a\r\r\n\r\r\ndebug1: b\r\r\n", [1, 3]),
    ] {
        let wanted = numbers.into_iter().zip(["debug1: a".to_owned(), "debug1: b".to_owned()]).collect::<Vec<_>>();
        assert_eq!(lines(text.as_bytes()), wanted);
    }
}

#[test]
fn utf_16_of_powershell_is_read() {
    let text = "ssh.exe : OpenSSH_for_Windows_9.5p1, LibreSSL 3.8.2\r\ndebug1: größe \u{1f511}\r\n";
    let wanted =
        [(1, "OpenSSH_for_Windows_9.5p1, LibreSSL 3.8.2".to_owned()), (2, "debug1: größe \u{1f511}".to_owned())];
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [[&[0xff, 0xfe], &*little].concat(), [&[0xfe, 0xff], &*big].concat(), little, big] {
        assert_eq!(lines(&bytes), wanted);
    }
    assert_eq!(lines("\u{feff}debug1: a".as_bytes()), [(1, "debug1: a".to_owned())]);
}

#[test]
fn a_line_that_a_mail_program_folded_is_one_again() {
    let folded = "> debug1: Offering public key: /home/deploy/.ssh/id_ed25519 ED25519\n\
        > SHA256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa agent\n\
        > debug1: Authentications that can continue: publickey\n";
    assert_eq!(
        lines(folded.as_bytes()),
        [
            (
                1,
                "debug1: Offering public key: /home/deploy/.ssh/id_ed25519 ED25519 \
                 SHA256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa agent"
                    .to_owned()
            ),
            (3, "debug1: Authentications that can continue: publickey".to_owned()),
        ]
    );
    let list = "x".repeat(300);
    let folded = format!("debug2: KEX algorithms:\n{list}\ndebug1: b\n");
    assert_eq!(texts(&folded), [format!("debug2: KEX algorithms: {list}"), "debug1: b".to_owned()]);
}

#[test]
fn a_line_that_a_terminal_cut_is_one_again() {
    let line = format!("debug2: KEX algorithms: {}", "curve25519-sha256,".repeat(12));
    let cut: Vec<String> = line.as_bytes().chunks(80).map(|part| String::from_utf8_lossy(part).into_owned()).collect();
    assert_eq!(texts(&(cut.join("\n") + "\ndebug1: b\n")), [line, "debug1: b".to_owned()]);
}

#[test]
fn a_sentence_behind_a_line_stays_its_own() {
    let wide = format!("debug1: {} b", "a".repeat(120));
    for text in [
        "debug1: Offering public key: a\nand then it hangs".to_owned(),
        "Permission denied (publickey,gssapi-keyex,gssapi-with-mic,password,keyboard-interactive).\nWhat is wrong?"
            .to_owned(),
        format!(
            "{wide}\ndebug1: Offering public key: /home/deploy/.ssh/id_ed25519 ED25519 SHA256:aaaaaaaaa\nand then it hangs"
        ),
    ] {
        assert_eq!(texts(&text).last().map(String::as_str), text.lines().last(), "{text}");
    }
}

#[test]
fn a_long_line_is_cut_and_counted() {
    let mut paste = Paste::new(&known);
    let mut longest = 0;
    let mut sink = |_: u64, line: &str| longest = longest.max(line.len());
    for _ in 0..1000 {
        paste.feed(&[b'a'; 10_000], &mut sink).unwrap();
    }
    paste.feed(b"\ndebug1: b\n", &mut sink).unwrap();
    paste.end(&mut sink).unwrap();
    assert_eq!((paste.cut(), longest), (1, LONGEST_LINE));
}

#[test]
fn a_file_that_is_no_text_is_refused_with_line_and_offset() {
    let mut paste = Paste::new(&known);
    let mut sink = |_: u64, _: &str| {};
    let refused = paste.feed(b"\x1f\x8b\x08\0", &mut sink).and_then(|()| paste.end(&mut sink));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "it is compressed by gzip: `gzip -dc FILE | sshdoctor log -` (line 1, byte 0)"
    );
}

#[test]
fn markdown_and_empty_lines_leave_nothing_behind() {
    assert_eq!(texts("```\ndebug1: a\n\n```\n"), ["debug1: a"]);
    assert_eq!(texts(""), [""; 0]);
    assert_eq!(texts("\n\n\n"), [""; 0]);
}

#[test]
fn no_bytes_make_it_panic() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let alphabet = b"debug1: a\r\n\x1b[31m<br>&lt;&#39;> |\xc3\xb6\xff\xfe\0\t{}[]'\"`12:00 Z";
    for _ in 0..300 {
        let mut bytes = Vec::new();
        for _ in 0..600 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.push(alphabet[usize::try_from(state % alphabet.len() as u64).unwrap()]);
        }
        let mut paste = Paste::new(&known);
        let mut sink = |_: u64, _: &str| {};
        if paste.feed(&bytes, &mut sink).is_ok() {
            let _ = paste.end(&mut sink);
        }
    }
}
