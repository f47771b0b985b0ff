//! The values of `${…}` in a config file.

/// The content between `${` and `}`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reference<'a> {
    /// `${VAR}` and `${VAR:-default}`; `${env:VAR}`.
    Variable { name: &'a str, default: Option<&'a str> },
    /// `${input:id}`.
    Input(&'a str),
    /// `${workspaceFolder}`.
    Folder,
    /// `${workspaceFolderBasename}`.
    FolderName,
    /// `${userHome}`.
    Home,
    /// `${pathSeparator}` and `${/}`.
    Separator,
}

/// The text with each reference replaced. Values that come in are not looked at again. The error names what
/// is unknown.
pub(crate) fn expand(
    text: &str,
    mut value: impl FnMut(&Reference<'_>) -> Result<String, String>,
) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        out.push_str(before);
        let (inside, behind) = behind.split_once('}').ok_or("a `${` is not closed by a `}`")?;
        out.push_str(&value(&parse(inside)?)?);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// Whether anything would be replaced.
pub(crate) fn has_reference(text: &str) -> bool {
    text.contains("${")
}

/// Whether this can be the name of a variable.
pub(crate) fn is_name(text: &str) -> bool {
    let start = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(start) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn parse(inside: &str) -> Result<Reference<'_>, String> {
    let unknown = || {
        format!(
            "${{{inside}}} is not known: there are ${{VAR}}, ${{VAR:-default}}, ${{env:VAR}}, ${{input:id}}, \
             ${{workspaceFolder}}, ${{userHome}}"
        )
    };
    match inside {
        "workspaceFolder" => return Ok(Reference::Folder),
        "workspaceFolderBasename" => return Ok(Reference::FolderName),
        "userHome" => return Ok(Reference::Home),
        "pathSeparator" | "/" => return Ok(Reference::Separator),
        _ => {}
    }
    if let Some(id) = inside.strip_prefix("input:") {
        return Ok(Reference::Input(id));
    }
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let name = name.strip_prefix("env:").unwrap_or(name);
    // Windows has names such as `ProgramFiles(x86)`, which only the long form can write.
    let fits = is_name(name) || (inside.starts_with("env:") && !name.is_empty() && default.is_none());
    if fits { Ok(Reference::Variable { name, default }) } else { Err(unknown()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(reference: &Reference<'_>) -> Result<String, String> {
        match reference {
            Reference::Variable { name: "HOST", .. } => Ok("${HOME}".to_owned()),
            Reference::Variable { default: Some(default), .. } => Ok((*default).to_owned()),
            Reference::Variable { name, .. } => Err(format!("{name} is not set")),
            Reference::Input(id) => Ok(format!("<{id}>")),
            other => Ok(format!("{other:?}")),
        }
    }

    #[test]
    fn references_are_replaced_once_and_the_rest_stays() {
        let rows = [
            ("a$HOST {x} $ b", "a$HOST {x} $ b"),
            ("http://${HOST}/${env:HOST}", "http://${HOME}/${HOME}"),
            ("${NONE:-a:-b}${NONE:-}", "a:-b"),
            ("${input:key}", "<key>"),
            ("${workspaceFolder}${/}x", "FolderSeparatorx"),
        ];
        for (text, wanted) in rows {
            assert_eq!(expand(text, value).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_replaced_is_named() {
        let rows =
            [("x${NONE}", "NONE"), ("${no:thing}", "${no:thing}"), ("${open", "not closed"), ("${}", "${}")];
        for (text, named) in rows {
            let error = expand(text, value).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
