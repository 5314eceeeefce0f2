//! What the fuzz target `addresses` runs, on texts that are the same in every run.

mod address_rules;

use address_rules::check;

/// How many texts are made of the pieces.
const TEXTS: usize = 30_000;

/// What addresses are made of, and what stands in their way.
const PIECES: [&str; 40] = [
    "ana@corp.example",
    "bo@other.example",
    "mïra@corp.example",
    "kim@lümen.example",
    "KIM@Corp.Example",
    "x@y@z",
    "@corp.example",
    "ana@",
    "ana",
    "Ana Lind",
    "\"Lind, Ana\"",
    "\"a@b.example\"",
    "\"",
    "\\\"",
    "\\",
    "<",
    ">",
    "(",
    ")",
    "[",
    "]",
    "[127.0.0.1]",
    ",",
    ";",
    ":",
    "crew:",
    ".",
    "..",
    " ",
    "  ",
    "\t",
    "\r\n",
    "\n",
    "\0",
    "=?utf-8?q?B=C3=B6?=",
    "=?utf-8?b?",
    "?=",
    "xn--lmen-0ra.example",
    "🌙",
    "\u{2028}",
];

/// Numbers that look random and are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).expect("a small number")).expect("below it")
    }
}

#[test]
fn the_rules_hold_for_texts_made_of_what_addresses_are_made_of() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for _ in 0..TEXTS {
        let length = numbers.below(9);
        let text: String = (0..length)
            .map(|_| PIECES[numbers.below(PIECES.len())])
            .collect();
        check(&text);
    }
}

#[test]
fn the_rules_hold_for_texts_that_are_cut_and_doubled() {
    let whole = "\"Lind, Ana\" <ana@corp.example>, Bo (x) bo@other.example; crew: a@b.example;";
    let chars: Vec<char> = whole.chars().collect();
    for start in 0..chars.len() {
        for end in start..chars.len() {
            let cut: String = chars.get(start..end).into_iter().flatten().collect();
            check(&cut);
        }
    }
    for depth in [1, 31, 32, 33, 2000] {
        for piece in ["(", "[", "<", "a:", "\"", "a@", ","] {
            check(&piece.repeat(depth));
        }
    }
}
