//! The parameters of a request, by query or form.

use super::problem::Problem;

/// Name and value pairs in the order they were sent.
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Parameters without a value count as absent (RFC 6749 section 3.1).
    pub fn new(mut pairs: Vec<(String, String)>) -> Self {
        pairs.retain(|(_, value)| !value.is_empty());
        Self(pairs)
    }

    /// All of them.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The value of the first with this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The same, for one that must be there.
    ///
    /// # Errors
    /// AADSTS900144.
    pub fn require(&self, name: &str) -> Result<&str, Problem> {
        self.get(name)
            .ok_or_else(|| Problem::aadsts(900144).about(name))
    }

    /// Parameters must not be repeated (RFC 6749 section 3.1).
    ///
    /// # Errors
    /// AADSTS9000411.
    pub fn refuse_twice(&self) -> Result<(), Problem> {
        for (index, (name, _)) in self.0.iter().enumerate() {
            if self
                .0
                .iter()
                .skip(index + 1)
                .any(|(other, _)| other == name)
            {
                return Err(Problem::aadsts(9000411).about(name));
            }
        }
        Ok(())
    }
}
