//! AU-C-02: challenges are read by the grammar, not by searching for names.

use proptest::prelude::*;

use super::AuthScheme;

/// The challenges in a short form: `Scheme name=value;name=value`, token68 as `Scheme:data`.
fn short(field: &str) -> Vec<String> {
    let one = |it: &AuthScheme| {
        let params: Vec<_> = it.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let data = it.token68.as_ref().map(|data| format!(":{data}")).unwrap_or_default();
        format!("{}{data} {}", it.scheme, params.join(";")).trim_end().to_owned()
    };
    AuthScheme::parse(field).iter().map(one).collect()
}

#[test]
fn fields_are_read_by_the_grammar() {
    let rows: &[(&str, &[&str])] = &[
        ("", &[]),
        (" , ,", &[]),
        ("Bearer", &["Bearer"]),
        ("bearer ", &["bearer"]),
        ("Bearer,Basic", &["Bearer", "Basic"]),
        (r#"Bearer realm="a""#, &["Bearer realm=a"]),
        (r#"Bearer realm="a", Basic realm="b""#, &["Bearer realm=a", "Basic realm=b"]),
        (r#"Basic realm="b", Bearer error="x", scope="a b""#, &["Basic realm=b", "Bearer error=x;scope=a b"]),
        (r#"Bearer a="1",b="2" , ,c=3"#, &["Bearer a=1;b=2;c=3"]),
        (r#"Bearer a = "1" , b= 2"#, &["Bearer a=1;b=2"]),
        ("Bearer a=1,Negotiate", &["Bearer a=1", "Negotiate"]),
        // Commas, equal signs and names inside quotes.
        (
            r#"Bearer error_description="needs scope=\"x\", realm=y", scope="z""#,
            &[r#"Bearer error_description=needs scope="x", realm=y;scope=z"#],
        ),
        (r#"Bearer a="\\", b="\"""#, &[r#"Bearer a=\;b=""#]),
        (r#"Bearer a="", b=x"#, &["Bearer a=;b=x"]),
        // Data without parameters.
        ("Negotiate YII+/=", &["Negotiate:YII+/="]),
        ("Negotiate abc==, Basic realm=x", &["Negotiate:abc==", "Basic realm=x"]),
        ("NTLM abc , Bearer", &["NTLM:abc", "Bearer"]),
        ("DPoP algs=\"ES256\"", &["DPoP algs=ES256"]),
        // A URL without quotes, as some servers send it.
        (
            "Bearer resource_metadata=https://h.test/a?b=c, scope=x",
            &["Bearer resource_metadata=https://h.test/a?b=c;scope=x"],
        ),
        // A missing comma between two challenges.
        (r#"Bearer error="x" Basic realm="y""#, &["Bearer error=x", "Basic realm=y"]),
        // What belongs to no scheme, and what is no text of a header at all.
        (r#"realm="a", Bearer b=c"#, &["Bearer b=c"]),
        (r#"="a", Bearer"#, &["Bearer"]),
        (r#""quoted, text", Bearer"#, &["Bearer"]),
        ("Bearer a=\"unclosed, Basic", &["Bearer a=unclosed, Basic"]),
        ("Bearer a=\"cut\\", &["Bearer a=cut"]),
        ("ünicode, Bearer é=1", &["Bearer"]),
    ];
    for (field, wanted) in rows {
        assert_eq!(short(field), *wanted, "{field}");
    }
}

#[test]
fn names_are_compared_without_case_and_the_first_counts() {
    let found = AuthScheme::parse(r#"BEARER Scope="one", scope="two""#);
    assert!(found[0].is("bearer") && !found[0].is("basic"));
    assert_eq!(found[0].param("SCOPE"), Some("one"));
    assert_eq!(found[0].param("scopes"), None);
}

proptest! {
    #[test]
    fn any_text_is_read_to_its_end(field in "\\PC*|[ ,=\"\\\\a-c]*") {
        let read: usize = AuthScheme::parse(&field)
            .iter()
            .map(|it| it.scheme.len() + it.params.iter().map(|(n, v)| n.len() + v.len()).sum::<usize>())
            .sum();
        prop_assert!(read <= field.len());
    }

    /// What is quoted comes back.
    #[test]
    fn a_quoted_value_comes_back(value in "\\PC*", next in "[a-z]{1,5}") {
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
        let found = AuthScheme::parse(&format!("Bearer a=\"{quoted}\", {next}=1"));
        prop_assert_eq!(found[0].param("a"), Some(value.as_str()));
        prop_assert_eq!(found[0].params.len(), 2);
    }
}
