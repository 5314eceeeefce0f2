//! The languages, and what is said in them.

use std::borrow::{Borrow, Cow};
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};

/// A language that is spoken here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English, which is spoken where nothing else is asked for.
    #[default]
    English,
    /// Vietnamese.
    Vietnamese,
    /// Chinese in simplified characters.
    Chinese,
}

type Bundle = FluentBundle<FluentResource>;

/// The files of a language, those that every language has and those named.
macro_rules! texts {
    ($directory:literal $(, $more:literal)*) => {
        &[
            include_str!(concat!("../locales/", $directory, "/atlas.ftl")),
            include_str!(concat!("../locales/", $directory, "/audit.ftl")),
            include_str!(concat!("../locales/", $directory, "/calls.ftl")),
            include_str!(concat!("../locales/", $directory, "/common.ftl")),
            include_str!(concat!("../locales/", $directory, "/doctor.ftl")),
            include_str!(concat!("../locales/", $directory, "/errors.ftl")),
            include_str!(concat!("../locales/", $directory, "/fields.ftl")),
            include_str!(concat!("../locales/", $directory, "/guide.ftl")),
            include_str!(concat!("../locales/", $directory, "/labels.ftl")),
            include_str!(concat!("../locales/", $directory, "/mails.ftl")),
            include_str!(concat!("../locales/", $directory, "/models.ftl")),
            include_str!(concat!("../locales/", $directory, "/servers.ftl")),
            include_str!(concat!("../locales/", $directory, "/settings.ftl")),
            include_str!(concat!("../locales/", $directory, "/story.ftl")),
            include_str!(concat!("../locales/", $directory, "/transport.ftl")),
            $(include_str!(concat!("../locales/", $directory, "/", $more)),)*
        ]
    };
}

/// The files of a language that is not the one in which models are declared.
macro_rules! declared {
    ($directory:literal) => {
        texts!(
            $directory,
            "declared/ir.ftl",
            "declared/mail.ftl",
            "declared/postern.ftl",
            "declared/res.ftl"
        )
    };
}

static ENGLISH: LazyLock<Bundle> = LazyLock::new(|| bundle(Lang::English));
static VIETNAMESE: LazyLock<Bundle> = LazyLock::new(|| bundle(Lang::Vietnamese));
static CHINESE: LazyLock<Bundle> = LazyLock::new(|| bundle(Lang::Chinese));

impl Lang {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Lang; 3] = [Lang::English, Lang::Vietnamese, Lang::Chinese];

    /// The tag for `<html lang>` (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Lang::English => "en",
            Lang::Vietnamese => "vi",
            Lang::Chinese => "zh-CN",
        }
    }

    /// The code of the language as `res.lang` has it.
    pub fn code(self) -> &'static str {
        match self {
            Lang::English => "en_US",
            Lang::Vietnamese => "vi_VN",
            Lang::Chinese => "zh_CN",
        }
    }

    /// What its speakers call it.
    pub fn own_name(self) -> &'static str {
        match self {
            Lang::English => "English",
            Lang::Vietnamese => "Tiếng Việt",
            Lang::Chinese => "简体中文",
        }
    }

    /// The language that a code or tag means, as in `vi_VN`, `zh-Hans` or `en`; `None` for one that is
    /// not spoken here. Any Chinese is nearer to what its readers know than English is.
    pub fn of_code(code: &str) -> Option<Lang> {
        let language = code.split(['_', '-', '@']).next().unwrap_or_default();
        match language.to_ascii_lowercase().as_str() {
            "en" => Some(Lang::English),
            "vi" => Some(Lang::Vietnamese),
            "zh" => Some(Lang::Chinese),
            _ => None,
        }
    }

    /// The first language among these codes or tags that is spoken here; English when none is.
    pub fn first_of<'a>(asked: impl IntoIterator<Item = &'a str>) -> Lang {
        let known = asked.into_iter().find_map(Lang::of_code);
        known.unwrap_or_default()
    }

    /// The files of its texts. What models declare of their fields is English already.
    fn texts(self) -> &'static [&'static str] {
        match self {
            Lang::English => texts!("en"),
            Lang::Vietnamese => declared!("vi"),
            Lang::Chinese => declared!("zh-CN"),
        }
    }

    fn bundle(self) -> &'static Bundle {
        match self {
            Lang::English => &ENGLISH,
            Lang::Vietnamese => &VIETNAMESE,
            Lang::Chinese => &CHINESE,
        }
    }

    /// A message. An unknown key is shown as it is; the tests know of all that are used.
    pub fn say(self, key: &str) -> String {
        self.message(key, None, None)
            .unwrap_or_else(|| key.to_owned())
    }

    /// A message about a number, which stands in it as `$count`.
    pub fn count(self, key: &str, count: impl Borrow<i64>) -> String {
        let mut values = FluentArgs::new();
        values.set("count", *count.borrow());
        self.message(key, None, Some(&values))
            .unwrap_or_else(|| key.to_owned())
    }

    /// A message with a text in it, which stands there as `$name`.
    pub fn with(self, key: &str, name: &'static str, value: impl AsRef<str>) -> String {
        self.with_all(key, &[(name, value.as_ref())])
    }

    /// A message with several texts in it.
    pub fn with_all(self, key: &str, texts: &[(&'static str, &str)]) -> String {
        let values = texts.iter().copied().collect::<FluentArgs<'_>>();
        self.message(key, None, Some(&values))
            .unwrap_or_else(|| key.to_owned())
    }

    /// What a message says beside its text: the hint below a field, the name of a choice.
    pub fn attribute(self, key: &str, attribute: &str) -> Option<String> {
        self.message(key, Some(attribute), None)
    }

    /// A message that need not be there.
    pub fn known(self, key: &str) -> Option<String> {
        self.message(key, None, None)
    }

    pub(crate) fn message(
        self,
        key: &str,
        attribute: Option<&str>,
        values: Option<&FluentArgs<'_>>,
    ) -> Option<String> {
        let bundle = self.bundle();
        let message = bundle.get_message(key)?;
        let pattern = match attribute {
            Some(name) => message.get_attribute(name)?.value(),
            None => message.value()?,
        };
        let mut errors = Vec::new();
        let text: Cow<'_, str> = bundle.format_pattern(pattern, values, &mut errors);
        for error in &errors {
            tracing::error!(key, language = self.tag(), %error, "a text could not be filled in");
        }
        Some(text.into_owned())
    }
}

/// The texts of a language, ready to be filled in. What is broken in a file is left out of it and
/// written to the log; the tests see to it that nothing is.
fn bundle(lang: Lang) -> Bundle {
    let tag = lang.tag().parse();
    let mut bundle = Bundle::new_concurrent(tag.into_iter().collect());
    // The marks around inserted texts would be copied with addresses, and all three languages are
    // written from left to right.
    bundle.set_use_isolating(false);
    for text in lang.texts() {
        let resource =
            FluentResource::try_new((*text).to_owned()).unwrap_or_else(|(rest, errors)| {
                tracing::error!(language = lang.tag(), ?errors, "a file of texts is broken");
                rest
            });
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!(language = lang.tag(), ?errors, "a text stands there twice");
        }
    }
    bundle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_languages_are_understood_as_odoo_and_browsers_write_them() {
        for lang in Lang::ALL {
            assert_eq!(Lang::of_code(lang.code()), Some(lang));
            assert_eq!(Lang::of_code(lang.tag()), Some(lang));
        }
        assert_eq!(Lang::of_code("fr_FR"), None);
        assert_eq!(Lang::of_code(""), None);
    }

    #[test]
    fn of_several_languages_the_first_that_is_spoken_counts() {
        assert_eq!(Lang::first_of(["fr", "zh-Hans", "vi"]), Lang::Chinese);
        assert_eq!(Lang::first_of(["fr"]), Lang::English);
        assert_eq!(Lang::first_of([]), Lang::English);
    }

    #[test]
    fn numbers_and_texts_are_filled_in() {
        assert_eq!(Lang::English.count("contacts", 1), "1 contact");
        assert_eq!(Lang::English.count("contacts", 2), "2 contacts");
        let text = Lang::English.with("page-missing", "path", "/odoo/x");
        assert!(text.contains(" /odoo/x"), "{text}");
    }
}
