//! Steps of `cargo xtask ci` about each published crate alone: its features, and its package.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

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
    version: String,
    folder: PathBuf,
    features: Vec<String>,
}

/// Compiles each crate alone: without features, with its default features, and with each feature.
pub(crate) fn features() -> Outcome {
    for package in parse(&metadata()?)? {
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
    let metadata = metadata()?;
    let packages = parse(&metadata)?;
    for package in &packages {
        has_files(package)?;
    }
    // Cargo compiles each package against the others as if a registry had them. It takes a release of a registry for
    // unchangeable: what an earlier run left unpacked or compiled would stand for today's package of the same version.
    let target = target_folder(&metadata)?.join("packages");
    remove_folder(&target)?;
    remove_unpacked(&cargo_home()?.join("registry/src"), &packages)?;

    // Uncommitted changes are packaged as well: CI has none, and locally they are what is to be checked.
    let mut command = cargo();
    command.args(["package", "--quiet", "--allow-dirty", "--target-dir"]).arg(&target);
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

/// Removes our packages from the sources that Cargo unpacked from a registry without a host: only the one that
/// `cargo package` makes up has none, and its folder is called `-` and a hash.
fn remove_unpacked(sources: &Path, packages: &[Package]) -> Outcome {
    let Ok(registries) = fs::read_dir(sources) else {
        return Ok(());
    };
    let without_host =
        registries.flatten().filter(|registry| registry.file_name().to_string_lossy().starts_with('-'));
    for registry in without_host {
        for package in packages {
            remove_folder(&registry.path().join(format!("{}-{}", package.name, package.version)))?;
        }
    }
    Ok(())
}

fn remove_folder(folder: &Path) -> Outcome {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("{} could not be removed: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The folder where Cargo keeps what it downloads.
fn cargo_home() -> Outcome<PathBuf> {
    let set = env::var_os("CARGO_HOME").filter(|set| !set.is_empty()).map(PathBuf::from);
    let home = set.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    home.ok_or_else(|| "neither CARGO_HOME nor a home folder is set".to_owned())
}

/// The target folder of `cargo metadata`.
fn target_folder(metadata: &str) -> Outcome<PathBuf> {
    let metadata: Value = serde_json::from_str(metadata).map_err(|error| error.to_string())?;
    let folder = metadata["target_directory"].as_str().map(PathBuf::from);
    folder.ok_or_else(|| "`cargo metadata` names no target directory".to_owned())
}

fn metadata() -> Outcome<String> {
    let metadata = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]));
    metadata.ok_or_else(|| "`cargo metadata` failed".to_owned())
}

/// The publishable packages of `cargo metadata`.
fn parse(metadata: &str) -> Outcome<Vec<Package>> {
    let metadata: Value = serde_json::from_str(metadata).map_err(|error| error.to_string())?;
    let listed = metadata["packages"].as_array().ok_or("`cargo metadata` lists no packages")?;
    // `publish = false` is an empty list of registries; `null` is all registries.
    let published = listed.iter().filter(|package| package["publish"].is_null());
    let read = |package: &Value| {
        let name = package["name"].as_str()?.to_owned();
        let version = package["version"].as_str()?.to_owned();
        let folder = PathBuf::from(package["manifest_path"].as_str()?).parent()?.to_owned();
        let features = package["features"].as_object()?.keys().cloned().collect();
        Some(Package { name, version, folder, features })
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
            {"name":"a","version":"1.0.0","publish":null,"manifest_path":"/w/a/Cargo.toml","features":{"default":["x"],"x":[]}},
            {"name":"b","version":"1.0.0","publish":[],"manifest_path":"/w/b/Cargo.toml","features":{}}]}"#;
        let features = ["default", "x"].map(str::to_owned).to_vec();
        let package =
            Package { name: "a".to_owned(), version: "1.0.0".to_owned(), folder: "/w/a".into(), features };
        assert_eq!(parse(metadata), Ok(vec![package]));
        assert!(parse(r#"{"packages":[]}"#).is_err());
    }

    #[test]
    fn only_our_packages_of_a_registry_without_host_are_removed() {
        let folder = env::temp_dir().join(format!("xtask-packages-{}", std::process::id()));
        let make = |path: &str| {
            let path = folder.join(path);
            fs::create_dir_all(&path).expect("a folder");
            path
        };
        let ours = make("-22c3805da5a543b4/a-1.0.0");
        let kept = [make("-22c3805da5a543b4/b-1.0.0"), make("index.crates.io-1949cf8c6b5b557f/a-1.0.0")];
        let package = Package {
            name: "a".to_owned(),
            version: "1.0.0".to_owned(),
            folder: "/w/a".into(),
            features: Vec::new(),
        };

        remove_unpacked(&folder, std::slice::from_ref(&package)).expect("removed");
        assert!(!ours.exists());
        assert!(kept.iter().all(|kept| kept.exists()));
        remove_unpacked(&folder.join("absent"), &[package]).expect("nothing to remove");
        remove_folder(&folder).expect("removed");
    }
}
