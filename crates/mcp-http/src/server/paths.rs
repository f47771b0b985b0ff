//! The paths beside the endpoint.

use hyper::header::HeaderValue;

use super::HttpServerConfig;
use crate::HttpError;

/// Checks the documents and pages of a server.
///
/// # Errors
///
/// [`HttpError::Setting`]: a path that is taken or does not begin with `/`, or a content type that no header can hold.
pub(super) fn check(config: &HttpServerConfig) -> Result<(), HttpError> {
    let own = [&config.path, &config.sse_path, &config.messages_path].into_iter().chain(&config.health);
    let mut taken: Vec<&String> = own.collect();
    let documents = config.documents.iter().map(|one| ("document", &one.path, &one.content_type));
    let pages = config.pages.iter().map(|one| ("page", &one.path, &one.content_type));
    for (kind, path, content_type) in documents.chain(pages) {
        let why = if taken.contains(&path) {
            "the path is taken"
        } else if !path.starts_with('/') || path.contains(['?', '#']) {
            "not a path"
        } else if HeaderValue::try_from(content_type.as_str()).is_err() {
            "the content type has characters that a header cannot hold"
        } else {
            taken.push(path);
            continue;
        };
        return Err(HttpError::Setting { what: format!("{kind} {path:?}"), why: why.to_owned() });
    }
    Ok(())
}
