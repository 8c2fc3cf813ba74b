//! sshdoctor: parse, gather, diagnose, render, exit.
fn main() {}
