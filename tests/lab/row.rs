//! What a row of the lab is: one machine with one thing wrong, a command line, and what ssh and sshdoctor say to it.

use crate::account::Side;
use crate::world::World;
use crate::written::Written;

/// One row.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Its name, unique, kebab-case.
    pub(crate) name: &'static str,
    /// Builds the machine: servers, keys, accounts, and the fault.
    pub(crate) setup: fn(&mut World) -> anyhow::Result<()>,
    /// The program beside which sshdoctor runs, `ssh`.
    pub(crate) program: &'static str,
    /// What stands after the word `ssh`, the same for both programs.
    pub(crate) line: &'static [&'static str],
    /// Our own options, which stand before that.
    pub(crate) ours: &'static [&'static str],
    /// What stands after the word `sshdoctor` where it is not what stands after the program's.
    pub(crate) doctor: Option<&'static [&'static str]>,
    /// Whether a shell is asked for, and not the command `true`.
    pub(crate) shell: bool,
    /// Whether a person sits at a terminal.
    pub(crate) terminal: bool,
    /// What the person types there: after which text is shown, and what; each once, in this order.
    pub(crate) types: &'static [(&'static str, &'static str)],
    /// What the real ssh does.
    pub(crate) ssh: Ssh,
    /// The verdict's cause.
    pub(crate) cause: &'static str,
    /// The strongest certainty that the evidence allows.
    pub(crate) certainty: &'static str,
    /// Why the certainty is not `proven`; empty where it is.
    pub(crate) because: &'static str,
    /// The ids of `also`, all of them, in order.
    pub(crate) also: &'static [&'static str],
    /// The hop that fails, by its name in the report, and its own cause (`jump-host-failed` only).
    pub(crate) hop: Option<(&'static str, &'static str)>,
    /// Where the first of the next steps is to be typed, `agent-host` for one; not looked at where there is none.
    pub(crate) typed_on: Option<&'static str>,
    /// sshdoctor's exit status, where the cause does not say it.
    pub(crate) status: Option<i32>,
    /// What a person will be asked, all of it (`access-needs-answer` only).
    pub(crate) needs: &'static [&'static str],
    /// A check that carries a remark although nothing is wrong.
    pub(crate) remark: Option<&'static str>,
    /// What lines of the verdict's evidence say, a part of each.
    pub(crate) evidence: &'static [&'static str],
    /// What none of them says.
    pub(crate) no_evidence: &'static [&'static str],
    /// What sshd's own log says about the login; empty where it is not looked at.
    pub(crate) log: &'static str,
    /// Which member of the verdict's group it is in truth, where it is a group.
    pub(crate) member: Option<Member>,
    /// The same with a person at a terminal where there was none, or with none where there was one.
    pub(crate) other: Option<Other>,
    /// How the first fault is taken away.
    pub(crate) mend: Option<Mend>,
    /// Without a target: what the check-up finds, a part of each sentence, and nothing else.
    pub(crate) finds: Option<&'static [&'static str]>,
    /// Where it is judged on the server, and not by the client: what is asked there.
    pub(crate) side: Option<Side>,
    /// What the client's own run says that looks at the server over an administrator's login; none where it is not made.
    pub(crate) over: Option<Over>,
    /// That login, where it is not root's at web1-admin.
    pub(crate) admin: Option<&'static str>,
    /// What the runs over that login name one after the other, each fix typed as it was printed, until the login works.
    pub(crate) follows: &'static [&'static str],
    /// Where all accounts are asked about: each with its cause, in the order of the passwd file.
    pub(crate) accounts: &'static [&'static str],
    /// Where the facts of the run are kept with `BLESS=1`.
    pub(crate) fixture: Fixture,
}

/// The verdict where both halves are known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Over {
    /// Its cause.
    pub(crate) cause: &'static str,
    /// Its certainty.
    pub(crate) certainty: &'static str,
}

/// The cause behind a group verdict, which the row knows and the client cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its id, or the ids that are as true, parted by blanks.
    pub(crate) ids: &'static str,
    /// Whether anything that the client sees speaks for it, or it is one of those that are met most: then it is to be
    /// among the first three alternatives. Else it is to be among them.
    pub(crate) shows: bool,
}

/// What the real ssh does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ssh {
    /// It ends with this status, and its messages contain this text.
    Ends(i32, &'static str),
    /// It shows this text and waits for a person.
    Asks(&'static str),
    /// It says nothing and does not end.
    Hangs,
}

/// What both programs do where the row's person is gone, or has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Other {
    /// What the real ssh does then.
    pub(crate) ssh: Ssh,
    /// The verdict's cause.
    pub(crate) cause: &'static str,
    /// Its certainty.
    pub(crate) certainty: &'static str,
    /// The hop that fails then.
    pub(crate) hop: Option<(&'static str, &'static str)>,
    /// What a person will be asked.
    pub(crate) needs: &'static [&'static str],
}

/// Where the facts of a row are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fixture {
    /// Nowhere.
    No,
    /// `fixtures/CAUSE/facts.json`.
    Cause,
    /// `fixtures/healthy/ROW.json`.
    Healthy,
    /// `fixtures/incidents/ROW/facts.json`.
    Incident,
}

/// How the first fault is taken away, and what ssh does then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mend {
    /// A shell script, run as root on the row's machine.
    pub(crate) script: &'static str,
    /// What the real ssh does afterwards.
    pub(crate) then: Ssh,
    /// Whether the command that the report prints is run instead of the script, where it is one.
    pub(crate) printed: bool,
    /// The next verdict's cause, where it cannot be seen from before the first fault: then it is not foretold.
    pub(crate) unforeseen: Option<&'static str>,
}

/// Verdicts that accuse nobody.
pub(crate) const HEALTHY: &[&str] = &["access-works", "access-needs-answer", "nothing-found"];

/// A row of which only the machine is known.
pub(crate) fn row(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    Row {
        name,
        setup,
        program: "ssh",
        line: &["deploy@web1.example.org"],
        ours: &[],
        doctor: None,
        shell: false,
        terminal: false,
        types: &[],
        ssh: Ssh::Ends(0, ""),
        cause: "access-works",
        certainty: "proven",
        because: "",
        also: &[],
        hop: None,
        typed_on: None,
        status: None,
        needs: &[],
        remark: None,
        evidence: &[],
        no_evidence: &[],
        log: "",
        member: None,
        other: None,
        mend: None,
        finds: None,
        side: None,
        over: None,
        admin: None,
        follows: &[],
        accounts: &[],
        fixture: Fixture::No,
    }
}

/// A row that is judged on the server, as root: about deploy, the client's default key and the client's address.
pub(crate) fn on_server(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    let side = Side { user: "deploy", key: "/home/a/.ssh/id_ed25519.pub", words: &[], no_log: false };
    row(name, setup).asks(side).proven("nothing-found")
}

impl Row {
    /// What its source says of it.
    pub(crate) fn written(&self) -> Written {
        Written { name: self.name.to_owned(), cause: self.cause.to_owned(), certainty: self.certainty.to_owned() }
    }

    /// This is asked on the server.
    fn asks(mut self, side: Side) -> Self {
        self.side = Some(side);
        self
    }

    /// On the server this account is asked about.
    pub(crate) fn about(mut self, user: &'static str) -> Self {
        self.side = self.side.map(|side| Side { user, ..side });
        self
    }

    /// On the server every account is asked about, and each is said to have this cause: `name cause`.
    pub(crate) fn about_all(self, accounts: &'static [&'static str]) -> Self {
        Self { accounts, ..self.about("").key("").words(&["--all"]) }
    }

    /// On the server this key is asked about; no key where it is empty.
    pub(crate) fn key(mut self, key: &'static str) -> Self {
        self.side = self.side.map(|side| Side { key, ..side });
        self
    }

    /// On the server these words are added.
    pub(crate) fn words(mut self, words: &'static [&'static str]) -> Self {
        self.side = self.side.map(|side| Side { words, ..side });
        self
    }

    /// The server's log is gone before anything is asked.
    pub(crate) fn without_log(mut self) -> Self {
        self.side = self.side.map(|side| Side { no_log: true, ..side });
        self
    }

    /// A third of the rows on the server, by their names, are asked over an administrator's login as well, and say the same
    /// there; those of `otherwise` are asked, and say something else.
    pub(crate) fn third_over(self, otherwise: &[(&str, &'static str, &'static str)]) -> Self {
        let third = self.name.bytes().map(usize::from).sum::<usize>() % 3 == 0;
        if self.side.is_none() || self.over.is_some() {
            return self;
        }
        if let Some((_, certainty, cause)) = otherwise.iter().find(|(name, ..)| *name == self.name) {
            return self.over(certainty, cause);
        }
        match (third, self.cause) {
            (false, _) => self,
            (true, "nothing-found") => self.over("proven", "access-works"),
            (true, cause) => {
                let certainty = self.certainty;
                self.over(certainty, cause)
            }
        }
    }

    /// The client's own run over an administrator's login says this.
    pub(crate) fn over(mut self, certainty: &'static str, cause: &'static str) -> Self {
        self.over = Some(Over { cause, certainty });
        self
    }

    /// Another login than root's at web1-admin is the administrator's.
    pub(crate) fn admin(mut self, login: &'static str) -> Self {
        self.admin = Some(login);
        self
    }

    /// Over the administrator's login these are named one after the other, each fix typed as it was printed; then the
    /// login works.
    pub(crate) fn follows(mut self, follows: &'static [&'static str]) -> Self {
        self.follows = follows;
        self
    }

    /// Another command line.
    pub(crate) fn line(mut self, line: &'static [&'static str]) -> Self {
        self.line = line;
        self
    }

    /// With these options of our own.
    pub(crate) fn ours(mut self, ours: &'static [&'static str]) -> Self {
        self.ours = ours;
        self
    }

    /// sshdoctor ends with this status.
    pub(crate) fn status(mut self, status: i32) -> Self {
        self.status = Some(status);
        self
    }

    /// With a person at a terminal who types this, each after the text that is shown before.
    pub(crate) fn types(mut self, types: &'static [(&'static str, &'static str)]) -> Self {
        self.types = types;
        self.at_a_terminal()
    }

    /// Beside this program with these words; sshdoctor's own are the row's line.
    pub(crate) fn beside(mut self, program: &'static str, line: &'static [&'static str]) -> Self {
        self.program = program;
        self.doctor = Some(self.line);
        self.line = line;
        self
    }

    /// A shell is asked for.
    pub(crate) fn shell(mut self) -> Self {
        self.shell = true;
        self
    }

    /// With a person at a terminal.
    pub(crate) fn at_a_terminal(mut self) -> Self {
        self.terminal = true;
        self
    }

    /// ssh fails with 255 and says so.
    pub(crate) fn ssh_fails(mut self, says: &'static str) -> Self {
        self.ssh = Ssh::Ends(255, says);
        self
    }

    /// ssh asks a person.
    pub(crate) fn ssh_asks(mut self, says: &'static str) -> Self {
        self.ssh = Ssh::Asks(says);
        self
    }

    /// ssh hangs.
    pub(crate) fn ssh_hangs(mut self) -> Self {
        self.ssh = Ssh::Hangs;
        self
    }

    /// The verdict, proven.
    pub(crate) fn proven(mut self, cause: &'static str) -> Self {
        self.cause = cause;
        self
    }

    /// The verdict, not proven, and why not.
    pub(crate) fn at_most(mut self, certainty: &'static str, cause: &'static str, because: &'static str) -> Self {
        self.cause = cause;
        self.certainty = certainty;
        self.because = because;
        self
    }

    /// What bites next.
    pub(crate) fn also(mut self, also: &'static [&'static str]) -> Self {
        self.also = also;
        self
    }

    /// The first of the next steps is typed there.
    pub(crate) fn typed_on(mut self, place: &'static str) -> Self {
        self.typed_on = Some(place);
        self
    }

    /// This hop fails, for this reason of its own: proven.
    pub(crate) fn hop(mut self, host: &'static str, cause: &'static str) -> Self {
        self.hop = Some((host, cause));
        self.proven("jump-host-failed")
    }

    /// What a person will be asked.
    pub(crate) fn needs(mut self, needs: &'static [&'static str]) -> Self {
        self.cause = "access-needs-answer";
        self.needs = needs;
        self
    }

    /// Without the terminal ssh fails, and this is the verdict, proven.
    pub(crate) fn without(self, cause: &'static str) -> Self {
        self.without_at_most("proven", cause)
    }

    /// Without the terminal ssh fails, and this is the verdict.
    pub(crate) fn without_at_most(mut self, certainty: &'static str, cause: &'static str) -> Self {
        self.other = Some(Other { ssh: Ssh::Ends(255, ""), cause, certainty, hop: None, needs: &[] });
        self
    }

    /// Without the terminal this hop fails, for this reason of its own.
    pub(crate) fn without_hop(self, certainty: &'static str, host: &'static str, cause: &'static str) -> Self {
        let row = self.without_at_most(certainty, "jump-host-failed");
        Self { other: row.other.map(|other| Other { hop: Some((host, cause)), ..other }), ..row }
    }

    /// Without the terminal ssh ends with this status, and this is the verdict, proven.
    pub(crate) fn without_ends(mut self, status: i32, cause: &'static str) -> Self {
        self.other = Some(Other { ssh: Ssh::Ends(status, ""), cause, certainty: "proven", hop: None, needs: &[] });
        self
    }

    /// Without the terminal ssh cannot ask, goes on, and logs in.
    pub(crate) fn without_works(mut self) -> Self {
        self.other =
            Some(Other { ssh: Ssh::Ends(0, ""), cause: "access-works", certainty: "proven", hop: None, needs: &[] });
        self
    }

    /// At a terminal ssh shows this question, nobody is accused, and this is what the report says will be asked.
    pub(crate) fn with_a_terminal(mut self, asks: &'static str, needs: &'static [&'static str]) -> Self {
        let cause = "access-needs-answer";
        self.other = Some(Other { ssh: Ssh::Asks(asks), cause, certainty: "proven", hop: None, needs });
        self
    }

    /// This check carries a remark.
    pub(crate) fn remark(mut self, check: &'static str) -> Self {
        self.remark = Some(check);
        self
    }

    /// The verdict's evidence says this.
    pub(crate) fn evidence(mut self, evidence: &'static [&'static str]) -> Self {
        self.evidence = evidence;
        self
    }

    /// No line of the verdict's evidence says any of this.
    pub(crate) fn no_evidence(mut self, no_evidence: &'static [&'static str]) -> Self {
        self.no_evidence = no_evidence;
        self
    }

    /// sshd's log names the reason, which is not seen from outside.
    pub(crate) fn log(mut self, log: &'static str) -> Self {
        self.log = log;
        self
    }

    /// The member of the group that it is, which is to be among the first three alternatives.
    pub(crate) fn member(mut self, ids: &'static str) -> Self {
        self.member = Some(Member { ids, shows: true });
        self
    }

    /// The member of the group that it is, for which nothing speaks that the client sees.
    pub(crate) fn silent_member(mut self, ids: &'static str) -> Self {
        self.member = Some(Member { ids, shows: false });
        self
    }

    /// The first fault taken away by a script: then ssh logs in.
    pub(crate) fn mended_by(mut self, script: &'static str) -> Self {
        self.mend = Some(Mend { script, then: Ssh::Ends(0, ""), printed: false, unforeseen: None });
        self
    }

    /// The first fault taken away: then ssh does this.
    pub(crate) fn then(mut self, then: Ssh) -> Self {
        self.mend = self.mend.map(|mend| Mend { then, ..mend });
        self
    }

    /// The next verdict, of which nothing can be seen from before the first fault.
    pub(crate) fn unforeseen(mut self, cause: &'static str) -> Self {
        self.mend = self.mend.map(|mend| Mend { unforeseen: Some(cause), ..mend });
        self
    }

    /// The command that the report prints takes the fault away as well as the script does; on the server all that root is
    /// to type there, in turn.
    pub(crate) fn printed(mut self) -> Self {
        self.mend = self.mend.map(|mend| Mend { printed: true, ..mend });
        self
    }

    /// Its facts are its cause's fixture.
    pub(crate) fn fixture(mut self) -> Self {
        self.fixture = Fixture::Cause;
        self
    }

    /// Its facts are kept among the healthy ones.
    pub(crate) fn healthy_fixture(mut self) -> Self {
        self.fixture = Fixture::Healthy;
        self
    }

    /// Its facts are kept among the incidents.
    pub(crate) fn incident(mut self) -> Self {
        self.fixture = Fixture::Incident;
        self
    }

    /// Without a target: this is found, and nothing else. No ssh is run, for there is nothing to compare with.
    pub(crate) fn checkup(mut self, finds: &'static [&'static str]) -> Self {
        self.line = &[];
        self.finds = Some(finds);
        self
    }

    /// ssh ends with this status and says so.
    pub(crate) fn ssh_ends(mut self, status: i32, says: &'static str) -> Self {
        self.ssh = Ssh::Ends(status, says);
        self
    }

    /// ssh ends with this status.
    pub(crate) fn ssh_ends_with(mut self, status: i32) -> Self {
        self.ssh = Ssh::Ends(status, "");
        self
    }
}
