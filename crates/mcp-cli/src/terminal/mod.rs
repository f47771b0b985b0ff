//! What a person writes and reads: tables, styles, forms, progress, answers, standard streams.

pub(crate) mod arguments;
pub(crate) mod content;
pub(crate) mod form;
pub(crate) mod input;
pub(crate) mod json_source;
pub(crate) mod out;
pub(crate) mod pretty;
pub(crate) mod progress;
pub(crate) mod style;
pub(crate) mod table;
