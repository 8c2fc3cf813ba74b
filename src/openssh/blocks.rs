//! Which names a block of the configuration applies to, and which block wins (readconf.c `process_config_line_depth`,
//! oHost, oMatch; ssh_config(5): "the first obtained value will be used").

use super::arguments::value_words;
use super::patterns::{Match, match_pattern, match_pattern_list};
use crate::facts::checkup::{Block, BlockKind, BlockOption};
use crate::facts::text::Host;

/// Options of which every value counts and not the first alone, or whose place tells something else.
const CUMULATIVE: &[&str] = &[
    "certificatefile",
    "dynamicforward",
    "identityfile",
    "ignoreunknown",
    "localforward",
    "remoteforward",
    "sendenv",
    "setenv",
];

/// Comparisons of blocks that a configuration may cost.
const MOST_COMPARISONS: usize = 1_000_000;

/// A pattern of a `Host` line that no name can match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vain {
    /// A comma in it: `Host` parts its patterns by blanks.
    Comma(Host),
    /// An `@` in it: the user is no part of the name.
    User(Host),
    /// A `!` with nothing behind it.
    LoneNegation,
    /// The line has negated patterns only, or they rule out whatever the others match.
    OnlyNegated,
}

/// Options that have no effect, because an earlier block that applies to every one of the names has set them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadowed<'a> {
    /// The later block.
    pub block: &'a Block,
    /// Its options that have no effect.
    pub options: Vec<&'a BlockOption>,
    /// The earlier block, which wins.
    pub by: &'a Block,
    /// Whether nothing of the later block has an effect.
    pub all: bool,
}

/// What no name can match on a `Host` line.
pub fn vain(block: &Block) -> Vec<Vain> {
    if block.kind != BlockKind::Host || block.words.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for word in &block.words {
        let bytes = word.as_bytes();
        if bytes == b"!" {
            found.push(Vain::LoneNegation);
        } else if bytes.contains(&b',') {
            found.push(Vain::Comma(word.clone()));
        } else if bytes.contains(&b'@') {
            found.push(Vain::User(word.clone()));
        }
    }
    let excluded = |pattern: &[u8]| negated(block).any(|negated| includes(negated, pattern));
    if positive(block).all(excluded) {
        found.push(Vain::OnlyNegated);
    }
    found
}

fn positive(block: &Block) -> impl Iterator<Item = &[u8]> {
    block.words.iter().map(Host::as_bytes).filter(|word| !word.starts_with(b"!"))
}

fn negated(block: &Block) -> impl Iterator<Item = &[u8]> {
    block.words.iter().filter_map(|word| word.as_bytes().strip_prefix(b"!"))
}

/// Whether everything that `narrow` matches is matched by `wide` too; where that cannot be told, it is not.
fn includes(wide: &[u8], narrow: &[u8]) -> bool {
    // A `?` stands for one letter, a `*` of the other for any number.
    wide == narrow || (match_pattern(narrow, wide) && !(wide.contains(&b'?') && narrow.contains(&b'*')))
}

/// Whether `wide` applies to every name that `narrow` applies to.
fn covers(wide: &Block, narrow: &Block) -> bool {
    match wide.kind {
        BlockKind::Global => return true,
        BlockKind::Match => {
            return matches!(wide.words.as_slice(), [word] if word.as_bytes().eq_ignore_ascii_case(b"all"));
        }
        BlockKind::Host => {}
    }
    if narrow.kind != BlockKind::Host {
        return false;
    }
    let is_plain = |pattern: &[u8]| !pattern.iter().any(|byte| b"*?".contains(byte));
    positive(narrow).count() > 0
        && positive(narrow).all(|pattern| {
            let within = positive(wide).any(|wide| includes(wide, pattern));
            let ruled_out =
                negated(wide).any(|negated| !is_plain(pattern) || match_pattern_list(pattern, negated) != Match::No);
            within && !ruled_out
        })
}

/// The options of the user's own blocks that earlier ones of them leave without effect.
pub fn shadowed(blocks: &[Block]) -> Vec<Shadowed<'_>> {
    let counted: Vec<&Block> = blocks.iter().filter(|block| block.of_user && !block.nested).collect();
    let mut left = MOST_COMPARISONS;
    let mut found: Vec<Shadowed<'_>> = Vec::new();
    for (at, block) in counted.iter().enumerate().filter(|(_, block)| block.kind == BlockKind::Host) {
        let earlier = &counted[..at];
        let mut effective = 0;
        let begun = found.len();
        for option in &block.options {
            let winner = earlier.iter().find_map(|other| {
                left = left.saturating_sub(1);
                if left == 0 || other.at == block.at {
                    return None;
                }
                let set = other.options.iter().find(|set| set.keyword == option.keyword)?;
                covers(other, block).then_some((*other, set))
            });
            match winner {
                Some((by, set)) if !CUMULATIVE.contains(&option.keyword.as_str()) => {
                    // The same value twice harms nobody.
                    if same_value(set, option) {
                        effective += 1;
                        continue;
                    }
                    match found[begun..].iter_mut().find(|shadowed| shadowed.by.at == by.at) {
                        Some(shadowed) => shadowed.options.push(option),
                        None => found.push(Shadowed { block, options: vec![option], by, all: false }),
                    }
                }
                _ => effective += 1,
            }
        }
        for shadowed in &mut found[begun..] {
            shadowed.all = effective == 0;
        }
    }
    found
}

fn same_value(one: &BlockOption, other: &BlockOption) -> bool {
    let words = |option: &BlockOption| {
        value_words(option.value.as_bytes()).iter().map(|word| word.to_ascii_lowercase()).collect::<Vec<_>>()
    };
    words(one) == words(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Source;

    /// Blocks from lines: `Host …` or `Match …` begins one, anything else is an option.
    fn blocks(text: &str) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        for (line, number) in text.lines().zip(1..) {
            let (keyword, value) = line.trim().split_once(' ').unwrap();
            let kind = match keyword {
                "Host" => BlockKind::Host,
                "Match" => BlockKind::Match,
                _ => BlockKind::Global,
            };
            let at = Source::File { path: "/home/a/.ssh/config".into(), line: Some(number) };
            if kind != BlockKind::Global || blocks.is_empty() {
                let words = value.split(' ').filter(|_| kind != BlockKind::Global).map(Host::from).collect();
                blocks.push(Block { at, kind, words, of_user: true, nested: false, options: Vec::new() });
            }
            if kind == BlockKind::Global {
                let option = BlockOption { keyword: keyword.to_lowercase(), value: value.into(), line: number };
                blocks.last_mut().unwrap().options.push(option);
            }
        }
        blocks
    }

    fn lines(text: &str) -> Vec<(Vec<u32>, bool)> {
        let blocks = blocks(text);
        let found = shadowed(&blocks);
        found.iter().map(|one| (one.options.iter().map(|option| option.line).collect(), one.all)).collect()
    }

    #[test]
    fn an_earlier_block_that_covers_a_later_one_wins_option_by_option() {
        assert_eq!(lines("Host *\nUser a\nHost web1\nUser b\nPort 2"), [(vec![4], false)]);
        assert_eq!(lines("Host *\nUser a\nHost web1\nUser b"), [(vec![4], true)]);
        assert_eq!(lines("Match all\nPort 1\nHost web1\nPort 2"), [(vec![4], true)]);
        assert_eq!(lines("Port 1\nHost web1\nPort 2"), [(vec![3], true)]);
        assert_eq!(lines("Host web*\nUser a\nHost web1 web2\nUser b"), [(vec![4], true)]);
        for harmless in [
            "Host web1\nUser a\nHost *\nUser b",
            "Host web1\nUser a\nHost web1 web2\nUser b",
            "Host * !web1\nUser a\nHost web1\nUser b",
            "Host * !web1\nUser a\nHost web*\nUser b",
            "Host *\nUser a\nHost web1\nUser a",
            "Host *\nIdentityFile a\nHost web1\nIdentityFile b",
            "Match host web1\nUser a\nHost web1\nUser b",
            "Host web?\nUser a\nHost web*\nUser b",
        ] {
            assert_eq!(lines(harmless), [], "{harmless}");
        }
    }

    #[test]
    fn what_no_name_can_match_is_found() {
        let of = |line: &str| vain(&blocks(line)[0]);
        assert_eq!(of("Host web1,web2"), [Vain::Comma("web1,web2".into())]);
        assert_eq!(of("Host deploy@web1"), [Vain::User("deploy@web1".into())]);
        assert_eq!(of("Host * ! bastion"), [Vain::LoneNegation]);
        assert_eq!(of("Host !web1"), [Vain::OnlyNegated]);
        assert_eq!(of("Host web1 !web*"), [Vain::OnlyNegated]);
        for sound in ["Host *", "Host web1 web2", "Host * !bastion", "Host web* !web1", "Match host a,b"] {
            assert_eq!(of(sound), [], "{sound}");
        }
    }
}
