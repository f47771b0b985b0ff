//! Tables for users: aligned columns of safe text.

use crate::terminal::style::Style;
use crate::text;

/// A table that grows row by row. Cells are made safe for a terminal on the way in.
#[derive(Debug)]
pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column titles.
    pub(crate) fn new<S: AsRef<str>>(head: impl IntoIterator<Item = S>) -> Table {
        Table { head: cells(head), rows: Vec::new() }
    }

    /// Adds a row. Missing cells stay empty.
    pub(crate) fn row<S: AsRef<str>>(&mut self, row: impl IntoIterator<Item = S>) {
        self.rows.push(cells(row));
    }

    /// The whole table, newline included. No line ends in blanks.
    pub(crate) fn render(&self, style: Style) -> String {
        let mut widths: Vec<usize> = Vec::new();
        for row in self.rows.iter().chain([&self.head]) {
            widths.resize(widths.len().max(row.len()), 0);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(text::columns(cell));
            }
        }
        let mut out = String::new();
        if self.head.iter().any(|cell| !cell.is_empty()) {
            let line = line(&self.head, &widths);
            out.push_str(&style.bold(&line));
            out.push('\n');
        }
        for row in &self.rows {
            out.push_str(&line(row, &widths));
            out.push('\n');
        }
        out
    }
}

fn cells<S: AsRef<str>>(row: impl IntoIterator<Item = S>) -> Vec<String> {
    row.into_iter().map(|cell| text::safe_line(cell.as_ref()).into_owned()).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut out = String::new();
    for (cell, width) in row.iter().zip(widths) {
        out.push_str(cell);
        out.extend(std::iter::repeat_n(' ', width.saturating_sub(text::columns(cell)) + 2));
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_without_blanks() {
        let mut table = Table::new(["name", "about"]);
        table.row(["add", "adds"]);
        table.row(["日本", ""]);
        assert_eq!(table.render(Style::plain()), "name  about\nadd   adds\n日本\n");
    }

    /// A name with an escape sequence or a newline cannot leave its cell (FAULTS B).
    #[test]
    fn a_cell_cannot_break_out() {
        let mut table = Table::new(["name"]);
        table.row(["a\n\u{1b}[2Jb"]);
        assert_eq!(table.render(Style::plain()).lines().count(), 2);
    }
}
