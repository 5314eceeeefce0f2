//! Mails like those of a working day, the same in every run: plain ones, such with HTML beside, and such
//! with a file; 2 to 20 kB, some of them answers to others.

use std::fmt::Write as _;

use super::mailbox::Imap;
use crate::Failure;

/// So many are added to the mailbox with one command.
const AT_ONCE: u32 = 200;
/// The least size in bytes, and how much more it may be.
const SIZES: (u64, u64) = (2_000, 18_000);
const WORDS: [&str; 24] = [
    "the",
    "order",
    "of",
    "Monday",
    "arrives",
    "with",
    "your",
    "invoice",
    "and",
    "a",
    "meeting",
    "about",
    "prices",
    "please",
    "answer",
    "before",
    "noon",
    "thank",
    "you",
    "for",
    "all",
    "parts",
    "we",
    "delivered",
];

/// Fills the mailbox and gives how many bytes that are.
pub fn fill(imap: &mut Imap, count: u32) -> Result<u64, Failure> {
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
    let mut bytes = 0;
    let mut first = 0;
    while first < count {
        let last = (first + AT_ONCE).min(count);
        let mails: Vec<String> = (first..last)
            .map(|number| mail(number, &mut chance))
            .collect();
        bytes += mails.iter().map(|mail| mail.len() as u64).sum::<u64>();
        imap.append(&mails)?;
        first = last;
    }
    Ok(bytes)
}

/// Numbers that look random and are the same in every run (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn mail(number: u32, chance: &mut Chance) -> String {
    let size = SIZES.0 + chance.below(SIZES.1);
    let sender = chance.below(300);
    let mut mail = format!(
        "Return-Path: <person{sender}@client.example>\r\n\
         Received: from mail.client.example (mail.client.example [192.0.2.7])\r\n\tby mx.example.test with ESMTPS id {number:08X}\r\n\tfor <bench@example.test>; Wed, 14 Jan 2026 09:00:00 +0000\r\n\
         Message-ID: <order-{number}@client.example>\r\n\
         Date: Wed, 14 Jan 2026 09:00:00 +0000\r\n\
         From: Person {sender} <person{sender}@client.example>\r\n\
         To: Bench <bench@example.test>\r\n\
         Subject: Order {number} of this year\r\n"
    );
    if number > 0 && chance.below(8) == 0 {
        let earlier = chance.below(u64::from(number));
        let _ = write!(
            mail,
            "In-Reply-To: <order-{earlier}@client.example>\r\nReferences: <order-{earlier}@client.example>\r\n"
        );
    }
    mail.push_str("MIME-Version: 1.0\r\n");
    let length = usize::try_from(size).unwrap_or_default();
    match chance.below(20) {
        0..7 => {
            mail.push_str("Content-Type: text/plain; charset=utf-8\r\n\r\n");
            text(&mut mail, length, chance);
        }
        7..17 => {
            mail.push_str("Content-Type: multipart/alternative; boundary=\"sheet\"\r\n\r\n--sheet\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
            let third = mail.len() + (length - mail.len()) / 3;
            text(&mut mail, third, chance);
            mail.push_str("--sheet\r\nContent-Type: text/html; charset=utf-8\r\n\r\n");
            html(&mut mail, length, chance);
            mail.push_str("--sheet--\r\n");
        }
        _ => {
            mail.push_str("Content-Type: multipart/mixed; boundary=\"sheet\"\r\n\r\n--sheet\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
            let quarter = mail.len() + (length - mail.len()) / 4;
            text(&mut mail, quarter, chance);
            mail.push_str("--sheet\r\nContent-Type: application/pdf; name=\"order.pdf\"\r\nContent-Disposition: attachment; filename=\"order.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n");
            file(&mut mail, length, chance);
            mail.push_str("--sheet--\r\n");
        }
    }
    mail
}

/// Adds words until the mail is this long.
fn text(mail: &mut String, length: usize, chance: &mut Chance) {
    let mut column = 0;
    while mail.len() < length {
        let word = WORDS[chance.below(WORDS.len() as u64) as usize];
        mail.push_str(word);
        column += word.len() + 1;
        if column > 70 {
            mail.push_str("\r\n");
            column = 0;
        } else {
            mail.push(' ');
        }
    }
    mail.push_str("\r\n");
}

fn html(mail: &mut String, length: usize, chance: &mut Chance) {
    mail.push_str("<html><head><style>p { margin: 0 }</style></head><body>\r\n");
    while mail.len() < length {
        mail.push_str("<p style=\"color: #333333\">Dear <b>friend</b>, ");
        let end = (mail.len() + 300).min(length);
        text(mail, end, chance);
        mail.push_str("<a href=\"https://client.example/order\">the order</a></p>\r\n");
    }
    mail.push_str("</body></html>\r\n");
}

fn file(mail: &mut String, length: usize, chance: &mut Chance) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    while mail.len() < length {
        for _ in 0..76 {
            mail.push(char::from(DIGITS[chance.below(64) as usize]));
        }
        mail.push_str("\r\n");
    }
}
