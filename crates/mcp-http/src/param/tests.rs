//! Tests of the annotations.
