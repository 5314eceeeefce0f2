//! The image can be built: its Dockerfile copies every manifest of the workspace, without which the lock file does not
//! fit.

use std::path::Path;

use crate::workspace::Package;

/// A sentence for each member whose manifest is not copied.
pub fn breaches(packages: &[Package], root: &Path, dockerfile: &str) -> Vec<String> {
    let copied: Vec<&str> = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("COPY ")?.split_whitespace().next())
        .collect();
    let manifests = packages.iter().filter_map(|package| {
        let manifest = package.manifest_path.strip_prefix(root).ok()?;
        Some(manifest.to_string_lossy().into_owned())
    });
    manifests
        .filter(|manifest| !copied.contains(&manifest.as_str()))
        .map(|manifest| {
            format!("Dockerfile: {manifest} is not copied, so cargo refuses the lock file")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_the_image_does_not_know_is_a_breach() {
        let package = |name: &str| Package {
            name: name.to_owned(),
            manifest_path: format!("/w/{name}/Cargo.toml").into(),
            dependencies: Vec::new(),
        };
        let packages = [package("crates/auth"), package("bench")];
        let dockerfile =
            "FROM x\nCOPY Cargo.toml Cargo.lock ./\nCOPY crates/auth/Cargo.toml crates/auth/\n";
        let found = breaches(&packages, Path::new("/w"), dockerfile);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("bench/Cargo.toml"), "{found:?}");
    }
}
