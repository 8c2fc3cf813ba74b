//! Pattern lists with `*`, `?`, `!` (match.c `match_pattern`, `match_pattern_list`).
