//! Steps of `cargo xtask ci` about each published crate alone: its features, and its package.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::Outcome;
use crate::shell::{cargo, output, root, run as run_command};

/// These files are in each package. Licences are copies, because a package cannot contain files from outside its folder.
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];
const README: &str = "README.md";

/// A crate that can be published.
#[derive(Debug, PartialEq)]
struct Package {
    name: String,
    folder: PathBuf,
    features: Vec<String>,
}

/// Compiles each crate alone: without features, with its default features, and with each feature.
pub(crate) fn features() -> Outcome {
    for package in packages()? {
        let check = |features: &[&str]| {
            run_command(cargo().args(["check", "--quiet", "--package", &package.name]).args(features))
        };
        check(&["--no-default-features"])?;
        for feature in &package.features {
            check(&["--no-default-features", "--features", feature])?;
        }
    }
    Ok(())
}

/// Builds the package of each crate, and compiles what is in it.
pub(crate) fn package() -> Outcome {
    let packages = packages()?;
    for package in &packages {
        has_files(package)?;
    }
    // Uncommitted changes are packaged as well: CI has none, and locally they are what is to be checked.
    let mut command = cargo();
    command.args(["package", "--quiet", "--allow-dirty"]);
    command.args(packages.iter().flat_map(|package| ["--package", &package.name]));
    run_command(&mut command)
}

fn has_files(package: &Package) -> Outcome {
    let read = |path: PathBuf| {
        fs::read_to_string(&path).map_err(|error| format!("{} could not be read: {error}", path.display()))
    };
    for name in LICENCES {
        if read(package.folder.join(name))? != read(root().join(name))? {
            return Err(format!(
                "{}/{name} differs from the one in the root folder",
                package.folder.display()
            ));
        }
    }
    read(package.folder.join(README)).map(drop)
}

fn packages() -> Outcome<Vec<Package>> {
    let metadata = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]));
    parse(&metadata.ok_or("`cargo metadata` failed")?)
}

/// The publishable packages of `cargo metadata`.
fn parse(metadata: &str) -> Outcome<Vec<Package>> {
    let metadata: Value = serde_json::from_str(metadata).map_err(|error| error.to_string())?;
    let listed = metadata["packages"].as_array().ok_or("`cargo metadata` lists no packages")?;
    // `publish = false` is an empty list of registries; `null` is all registries.
    let published = listed.iter().filter(|package| package["publish"].is_null());
    let read = |package: &Value| {
        let name = package["name"].as_str()?.to_owned();
        let folder = PathBuf::from(package["manifest_path"].as_str()?).parent()?.to_owned();
        let features = package["features"].as_object()?.keys().cloned().collect();
        Some(Package { name, folder, features })
    };
    let packages: Option<Vec<Package>> = published.map(read).collect();
    packages.filter(|packages| !packages.is_empty()).ok_or_else(|| "no package can be published".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_that_can_be_published_are_read_with_their_features() {
        let metadata = r#"{"packages":[
            {"name":"a","publish":null,"manifest_path":"/w/a/Cargo.toml","features":{"default":["x"],"x":[]}},
            {"name":"b","publish":[],"manifest_path":"/w/b/Cargo.toml","features":{}}]}"#;
        let features = ["default", "x"].map(str::to_owned).to_vec();
        let package = Package { name: "a".to_owned(), folder: "/w/a".into(), features };
        assert_eq!(parse(metadata), Ok(vec![package]));
        assert!(parse(r#"{"packages":[]}"#).is_err());
    }
}
