//! `--redact`: what is printed and saved is made of redacted facts, and looked over for names before it leaves.

use std::path::PathBuf;

use crate::cli::Options;
use sshdoctor::collect::pseudonyms::Pseudonyms;
use sshdoctor::facts::Facts;
use sshdoctor::facts::text::Path;
use sshdoctor::redact::Redactor;

/// What reports end with where names were replaced.
pub(crate) const REMARK: &str = "Names, addresses, keys and parts of paths are pseudonyms (--redact).";

/// One run's redaction.
#[derive(Debug)]
pub(crate) struct Hiding {
    redactor: Redactor,
    /// The map that is kept, and where.
    map: Option<(PathBuf, Pseudonyms)>,
}

impl Hiding {
    /// As the options ask; `None` where nothing is to be redacted.
    ///
    /// # Errors
    /// A sentence where the map cannot be read.
    pub(crate) fn of(options: &Options) -> Result<Option<Self>, String> {
        if !options.redact {
            return Ok(None);
        }
        let Some(path) = &options.redact_map else {
            return Ok(Some(Self { redactor: Redactor::default(), map: None }));
        };
        let map =
            Pseudonyms::read(path).map_err(|error| format!("--redact-map {}: {error:#}", Path::from_path(path)))?;
        let redactor = Redactor::of_map(&map.mark, &map.names);
        Ok(Some(Self { redactor, map: Some((path.clone(), map)) }))
    }

    /// The facts with pseudonyms in the place of names.
    ///
    /// # Errors
    /// A sentence where that cannot be done: then nothing may be printed.
    pub(crate) fn facts(&mut self, facts: &Facts) -> Result<Facts, String> {
        self.redactor
            .facts(facts)
            .map_err(|error| format!("--redact: the facts could not be put together again: {error}"))
    }

    /// The lines of the login that `facts` are about, and how many were left out.
    ///
    /// # Errors
    /// A sentence where a name came through.
    pub(crate) fn lines(&mut self, facts: &Facts, lines: &[String], left_out: u64) -> Result<String, String> {
        self.facts(facts)?;
        let mut text: String = lines.iter().map(|line| self.redactor.line(line) + "\n").collect();
        match left_out {
            0 => {}
            1 => text.push_str("(1 line that is not known was left out)\n"),
            many => text = format!("{text}({many} lines that are not known were left out)\n"),
        }
        self.look_over([text.as_str()])?;
        Ok(text)
    }

    /// Looks over what is about to leave.
    ///
    /// # Errors
    /// A sentence that says what came through, and not its name.
    pub(crate) fn look_over<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
        match texts.into_iter().find_map(|text| self.redactor.leak(text)) {
            None => Ok(()),
            Some(leak) => Err(format!(
                "--redact: {} was still in what was about to be printed, so nothing was; this is a fault of sshdoctor",
                leak.kind
            )),
        }
    }

    /// Keeps the map, where one is kept.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(crate) fn keep(&mut self) -> anyhow::Result<()> {
        let Some((path, map)) = &mut self.map else { return Ok(()) };
        map.names = self.redactor.pairs();
        map.write(path).map_err(|error| error.context(format!("{} cannot be written", Path::from_path(path))))
    }
}
