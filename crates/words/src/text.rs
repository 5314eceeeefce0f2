//! What is to be said, apart from the language it is said in: a message and its arguments.

use std::borrow::Cow;
use std::fmt;

use fluent_bundle::{FluentArgs, FluentValue};
use serde::{Deserialize, Serialize};

use crate::lang::Lang;

/// Something to tell a person. [`Display`](fmt::Display) gives English, for the log; [`told`](Self::told) gives the
/// language of whoever is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    lang: Lang,
    /// The field of a form that it is about, where it is one.
    field: Option<&'static str>,
    /// Boxed, because texts travel in errors.
    said: Box<Said>,
}

/// In the shape in which it is stored, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    /// The message of this key, `key.attribute` for what it says beside its text.
    Say(Cow<'static, str>, Vec<(Cow<'static, str>, Arg)>),
    /// Words that are no message of ours, such as a server's.
    Quote(String),
    /// One below the other.
    Lines(Vec<Said>),
    /// With commas between them.
    List(Vec<Said>),
    /// A name: the message of this key where the language has one, else as it is declared, in English.
    Label(String, String),
}

/// What stands in a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Arg(Value);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Value {
    Number(i64),
    Word(String),
    Said(Said),
}

/// Names a message and gives its arguments, as in `say!("error-no-user", id = uid)`.
///
/// An argument is a name that is in scope (`id`), a name with a value (`id = uid`), or either with a mark before the
/// value: `?` for how Rust writes it in a program, quotes included, `%` for how it is displayed. Numbers stay numbers,
/// and another [`Text`] is said in the language of the whole.
#[macro_export]
macro_rules! say {
    ($key:literal $(,)?) => { $crate::Text::new($key) };
    ($key:literal, $($args:tt)+) => { $crate::say!(@ ($crate::Text::new($key)) $($args)+) };
    (@ ($text:expr)) => { $text };
    (@ ($text:expr) $name:ident = ?$value:expr $(, $($rest:tt)*)?) => {
        $crate::say!(@ ($text.with(stringify!($name), ::std::format!("{:?}", $value))) $($($rest)*)?)
    };
    (@ ($text:expr) $name:ident = %$value:expr $(, $($rest:tt)*)?) => {
        $crate::say!(@ ($text.with(stringify!($name), $value.to_string())) $($($rest)*)?)
    };
    (@ ($text:expr) $name:ident = $value:expr $(, $($rest:tt)*)?) => {
        $crate::say!(@ ($text.with(stringify!($name), $value)) $($($rest)*)?)
    };
    (@ ($text:expr) ?$name:ident $(, $($rest:tt)*)?) => {
        $crate::say!(@ ($text.with(stringify!($name), ::std::format!("{:?}", $name))) $($($rest)*)?)
    };
    (@ ($text:expr) %$name:ident $(, $($rest:tt)*)?) => {
        $crate::say!(@ ($text.with(stringify!($name), $name.to_string())) $($($rest)*)?)
    };
    (@ ($text:expr) $name:ident $(, $($rest:tt)*)?) => {
        $crate::say!(@ ($text.with(stringify!($name), $name)) $($($rest)*)?)
    };
}

impl Text {
    /// The message of this key; `key.attribute` is what it says beside its text. [`say!`] reads better.
    pub fn new(key: impl Into<Cow<'static, str>>) -> Text {
        Said::Say(key.into(), Vec::new()).into()
    }

    /// With this argument.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Arg>) -> Text {
        if let Said::Say(_, args) = self.said.as_mut() {
            args.push((Cow::Borrowed(name), value.into()));
        }
        self
    }

    /// The same, about this field of the record.
    #[must_use]
    pub fn about(self, field: &'static str) -> Text {
        Text {
            field: Some(field),
            ..self
        }
    }

    /// The field of the record that it is about, where it is one.
    pub fn field(&self) -> Option<&'static str> {
        self.field
    }

    /// The text that stands in this one under this name.
    pub fn part(&self, name: &str) -> Option<Text> {
        let Said::Say(_, args) = self.said.as_ref() else {
            return None;
        };
        let (_, part) = args.iter().find(|(known, _)| known == name)?;
        match &part.0 {
            Value::Said(said) => Some(said.clone().into()),
            Value::Number(_) | Value::Word(_) => None,
        }
    }

    /// The words of somebody else, which are the same in every language.
    pub fn quote(words: impl Into<String>) -> Text {
        Said::Quote(words.into()).into()
    }

    /// Several, one below the other.
    pub fn lines(texts: impl IntoIterator<Item = Text>) -> Text {
        Said::Lines(texts.into_iter().map(|text| *text.said).collect()).into()
    }

    /// Several, with commas between them.
    pub fn listed(texts: impl IntoIterator<Item = Text>) -> Text {
        Said::List(texts.into_iter().map(|text| *text.said).collect()).into()
    }

    /// Several sentences, one behind the other.
    pub fn sentences(texts: impl IntoIterator<Item = Text>) -> Text {
        let mut texts = texts.into_iter();
        let first = texts.next().unwrap_or_else(|| Text::quote(""));
        texts.fold(first, |before, next| {
            crate::say!("two-sentences", before, next)
        })
    }

    /// A name that is declared in English, and that a language may have under this key.
    pub fn label(key: String, declared: impl Into<String>) -> Text {
        Said::Label(key, declared.into()).into()
    }

    /// The same, for somebody who reads this language.
    #[must_use]
    pub fn for_reader(self, lang: Lang) -> Text {
        Text { lang, ..self }
    }

    /// In the language of the reader, which is English where nobody said who reads it.
    pub fn told(&self) -> String {
        self.said.in_words(self.lang)
    }

    /// In this language.
    pub fn in_lang(&self, lang: Lang) -> String {
        self.said.in_words(lang)
    }

    /// The form in which it is stored, to be told in any language later.
    pub fn stored(&self) -> String {
        serde_json::to_string(&self.said).unwrap_or_else(|_| self.to_string())
    }

    /// What was stored; what is no stored text is a quote.
    pub fn from_stored(stored: &str) -> Text {
        let said = serde_json::from_str(stored);
        said.unwrap_or_else(|_| Said::Quote(stored.to_owned()))
            .into()
    }
}

impl Said {
    fn in_words(&self, lang: Lang) -> String {
        match self {
            Said::Quote(words) => words.clone(),
            Said::Lines(lines) => {
                let lines: Vec<String> = lines.iter().map(|line| line.in_words(lang)).collect();
                lines.join("\n")
            }
            Said::List(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| part.in_words(lang)).collect();
                parts.join(", ")
            }
            Said::Label(_, declared) if lang == Lang::English => declared.clone(),
            Said::Label(key, declared) => lang.known(key).unwrap_or_else(|| declared.clone()),
            Said::Say(key, args) => {
                let mut values = FluentArgs::with_capacity(args.len());
                for (name, arg) in args {
                    values.set(name.as_ref(), arg.in_words(lang));
                }
                let (key, attribute) = match key.split_once('.') {
                    Some((key, attribute)) => (key, Some(attribute)),
                    None => (key.as_ref(), None),
                };
                lang.message(key, attribute, Some(&values))
                    .unwrap_or_else(|| {
                        tracing::error!(key, "there is no such message");
                        key.to_owned()
                    })
            }
        }
    }
}

impl Arg {
    fn in_words(&self, lang: Lang) -> FluentValue<'static> {
        match &self.0 {
            Value::Number(number) => (*number).into(),
            Value::Word(word) => word.clone().into(),
            Value::Said(said) => said.in_words(lang).into(),
        }
    }
}

impl From<Said> for Text {
    fn from(said: Said) -> Text {
        Text {
            lang: Lang::English,
            field: None,
            said: Box::new(said),
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said.in_words(Lang::English))
    }
}

impl From<Text> for Arg {
    fn from(text: Text) -> Arg {
        Arg(Value::Said(*text.said))
    }
}

impl From<&Text> for Arg {
    fn from(text: &Text) -> Arg {
        text.clone().into()
    }
}

impl From<String> for Arg {
    fn from(word: String) -> Arg {
        Arg(Value::Word(word))
    }
}

impl From<&String> for Arg {
    fn from(word: &String) -> Arg {
        word.clone().into()
    }
}

impl From<&str> for Arg {
    fn from(word: &str) -> Arg {
        word.to_owned().into()
    }
}

impl From<i64> for Arg {
    fn from(number: i64) -> Arg {
        Arg(Value::Number(number))
    }
}

impl From<i32> for Arg {
    fn from(number: i32) -> Arg {
        i64::from(number).into()
    }
}

impl From<u16> for Arg {
    fn from(number: u16) -> Arg {
        i64::from(number).into()
    }
}

impl From<u32> for Arg {
    fn from(number: u32) -> Arg {
        i64::from(number).into()
    }
}

impl From<u64> for Arg {
    fn from(number: u64) -> Arg {
        i64::try_from(number).unwrap_or(i64::MAX).into()
    }
}

impl From<usize> for Arg {
    fn from(number: usize) -> Arg {
        i64::try_from(number).unwrap_or(i64::MAX).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_english_in_the_log_and_the_readers_to_the_reader() {
        let text = say!("contacts", count = 2).for_reader(Lang::Vietnamese);
        assert_eq!(text.to_string(), "2 contacts");
        assert_eq!(text.told(), Lang::Vietnamese.count("contacts", 2));
        assert_eq!(
            text.in_lang(Lang::Chinese),
            Lang::Chinese.count("contacts", 2)
        );
    }

    #[test]
    fn arguments_are_names_values_and_other_texts() {
        let path = "/x";
        let plain = say!("page-missing", path);
        assert_eq!(
            plain.to_string(),
            Lang::English.with("page-missing", "path", "/x")
        );
        let quoted = say!("page-missing", ?path).to_string();
        assert!(quoted.contains("\"/x\""), "{quoted}");
        let inner = say!("page-missing", path = say!("contacts", count = 1));
        let told = inner.in_lang(Lang::Chinese);
        assert!(told.contains(&Lang::Chinese.count("contacts", 1)), "{told}");
        let shown = say!("page-missing", path = %1.5, ).to_string();
        assert!(shown.contains(" 1.5"), "{shown}");
    }

    #[test]
    fn what_was_stored_is_told_in_any_language_later() {
        let text = Text::lines([
            say!("page-missing", path = say!("contacts", count = 3)),
            Text::quote("535 no"),
        ]);
        let back = Text::from_stored(&text.stored());
        assert_eq!(back, text);
        assert!(back.in_lang(Lang::Vietnamese).ends_with("\n535 no"));
        // Whatever was stored before is told as it is.
        for old in ["The mailbox is gone.", "", "{\"say\":", "7"] {
            assert_eq!(Text::from_stored(old).to_string(), old);
        }
    }

    #[test]
    fn a_text_may_be_about_a_field() {
        let text = say!("contacts", count = 1).about("partner_ids");
        assert_eq!(text.for_reader(Lang::Chinese).field(), Some("partner_ids"));
        assert_eq!(say!("contacts", count = 1).field(), None);
    }

    #[test]
    fn a_text_that_stands_in_another_is_found_by_its_name() {
        let inner = say!("contacts", count = 1);
        let outer = say!("page-missing", path = &inner, other = 1);
        assert_eq!(outer.part("path"), Some(inner));
        assert_eq!(outer.part("other"), None);
        assert_eq!(outer.part("nothing"), None);
    }

    #[test]
    fn an_unknown_message_is_shown_by_its_key() {
        assert_eq!(
            Text::new("no-such-message.x").to_string(),
            "no-such-message"
        );
    }
}
