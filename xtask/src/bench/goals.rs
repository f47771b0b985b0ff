//! `cargo xtask bench goals`: one table of what matters most, each figure beside its goal, all from one run.

use std::path::Path;
use std::process::Command;

use super::{Cell, cell, difference, load_client, load_server, medians, show};
use crate::Outcome;
use crate::shell::{find, output};

/// The programs, and how many pairs of runs each ratio is the median of.
struct Bench<'a> {
    programs: &'a Path,
    pairs: usize,
}

/// The table.
pub(super) fn table(programs: &Path, pairs: usize) -> Outcome<String> {
    let bench = Bench { programs, pairs };
    let mut text = String::new();
    show(&mut text, format_args!("\n| what | measured | goal |\n|---|---|---|"));
    let mut row = |what: &str, figures: Outcome<Vec<String>>, goal: &str| -> Outcome {
        show(&mut text, format_args!("| {what} | {} | {goal} |", figures?.join(", ")));
        Ok(())
    };
    let http = |bytes, depth, era| cell(bytes, depth, era, if bytes > 1000 { 4000 } else { 8000 });

    let cells = [1, 16, 64].map(|depth| http(100, depth, "modern"));
    row(
        "HTTP modern, CPU of the server / raw: 100 B; 1, 16, 64 connections",
        bench.http_cpu(&cells),
        "1.1, 1.2, 1.2",
    )?;
    let cells = [http(10_000, 16, "modern").ordinary()];
    row("the same: 10 KB of ordinary text, 16 connections", bench.http_cpu(&cells), "1.1")?;
    row(
        "HTTP legacy, CPU of the server / raw: 100 B, 16 connections",
        bench.http_cpu(&[http(100, 16, "legacy")]),
        "1.3",
    )?;
    let cells: Vec<Cell> = [100, 10_000]
        .into_iter()
        .flat_map(|bytes| [1, 16, 64].map(|depth| http(bytes, depth, "legacy")))
        .collect();
    row("the same: mean of six cells", bench.http_cpu(&cells).and_then(|ratios| mean(&ratios)), "1.2")?;
    if find("valgrind").is_some() {
        let cells = [http(100, 16, "modern"), http(100, 16, "legacy")];
        row(
            "HTTP server, instructions a call: 100 B, 16 connections; modern, legacy",
            bench.http_instructions(&cells),
            "41000, 41000",
        )?;
        row(
            "stdio server, instructions a call: 100 B, 64 deep, modern",
            bench.stdio_instructions(),
            "18000",
        )?;
        row(
            "stdio client, typed calls, instructions a call: 100 B, 64 deep",
            bench.client_instructions(),
            "22000",
        )?;
    }
    let deep = cell(100, 64, "modern", 20_000);
    row(
        "stdio server, messages a second / tuned loop: 64 deep; `#[tokio::main]`, one thread",
        bench.stdio(&[deep.threaded(), deep], "wall", true),
        "0.8, 0.85",
    )?;
    let large = [cell(1_000_000, 1, "modern", 200)];
    row("stdio server, 1 MB, one at a time: CPU / tuned loop", bench.stdio(&large, "server", false), "1.1")?;
    row("the same: messages a second / tuned loop", bench.stdio(&large, "wall", true), "0.95")?;
    row(
        "HTTP client, CPU / hand-written generator: mean of eight cells",
        bench.client_cpu().and_then(|ratios| mean(&ratios)),
        "1.4",
    )?;
    row("stdio client, spawn to first result, ms over the raw client", bench.first_result(), "0.2")?;
    row(
        "stdio server, calls answered of 4,096 written at once; `#[tokio::main]`, one thread",
        bench.burst(),
        "4096, 4096",
    )?;
    let heap = output(&mut Command::new(programs.join("server-heap"))).ok_or("server-heap failed")?;
    let figures = heap.lines().last().unwrap_or_default().trim_matches(['|', ' ']).replace(" |", ",");
    row(
        "HTTP server, heap in bytes: idle legacy session; used, silent connection; open stream",
        Ok(vec![figures]),
        "2048, 14336, 14336, 12288",
    )?;
    Ok(text)
}

fn mean(ratios: &[String]) -> Outcome<Vec<String>> {
    let ratios: Vec<f64> = ratios.iter().filter_map(|ratio| ratio.parse().ok()).collect();
    Ok(vec![format!("{:.2}", ratios.iter().sum::<f64>() / ratios.len().max(1) as f64)])
}

impl Bench<'_> {
    /// Ours over theirs of one figure, or theirs over ours.
    fn ratio(
        &self,
        figure: &str,
        inverse: bool,
        raw: &dyn Fn() -> Command,
        ours: &dyn Fn() -> Command,
    ) -> Outcome<String> {
        let found = medians(self.pairs, &[raw, ours])?;
        let of = |index: usize| found[index].get(figure).copied().unwrap_or_default();
        let ratio = if inverse { of(0) / of(1) } else { of(1) / of(0) };
        Ok(format!("{ratio:.2}"))
    }

    fn http_server(&self, cell: &Cell, server: &str) -> Command {
        let generator = self.programs.join("http-generator");
        load_server(&generator, cell, cell.calls, &[], &self.programs.join(server))
    }

    fn http_cpu(&self, cells: &[Cell]) -> Outcome<Vec<String>> {
        let ratio = |cell: &Cell| {
            let [raw, ours] = ["raw-http-server", "our-http-server"];
            self.ratio("server", false, &|| self.http_server(cell, raw), &|| self.http_server(cell, ours))
        };
        cells.iter().map(ratio).collect()
    }

    fn stdio(&self, cells: &[Cell], figure: &str, inverse: bool) -> Outcome<Vec<String>> {
        let with = |cell: &Cell, server: &str| {
            let generator = self.programs.join("raw-client");
            load_server(&generator, cell, cell.calls, &[], &self.programs.join(server))
        };
        let ratio = |cell: &Cell| {
            self.ratio(figure, inverse, &|| with(cell, "tuned-server"), &|| with(cell, "our-server"))
        };
        cells.iter().map(ratio).collect()
    }

    fn http_instructions(&self, cells: &[Cell]) -> Outcome<Vec<String>> {
        self.server_instructions(cells, "http-generator", "our-http-server")
    }

    fn stdio_instructions(&self) -> Outcome<Vec<String>> {
        self.server_instructions(&[cell(100, 64, "modern", 0)], "raw-client", "our-server")
    }

    fn server_instructions(&self, cells: &[Cell], generator: &str, server: &str) -> Outcome<Vec<String>> {
        let count = |cell: &Cell| {
            difference(cell, |calls, out| {
                let valgrind = ["valgrind", "-q", "--tool=callgrind", &out];
                let [generator, server] = [generator, server].map(|name| self.programs.join(name));
                load_server(&generator, cell, calls, &valgrind, &server)
            })
        };
        cells.iter().map(count).collect()
    }

    fn client_instructions(&self) -> Outcome<Vec<String>> {
        let cell = cell(100, 64, "modern", 0).typed();
        let count = difference(&cell, |calls, out| {
            let [client, server] = ["our-client", "tuned-server"].map(|name| self.programs.join(name));
            let inner = load_client(&client, &cell, calls, &server);
            let mut command = Command::new("valgrind");
            command.args(["-q", "--tool=callgrind", &out]).arg(inner.get_program()).args(inner.get_args());
            command
        })?;
        Ok(vec![count])
    }

    fn client_cpu(&self) -> Outcome<Vec<String>> {
        let mut ratios = Vec::new();
        for era in ["modern", "legacy"] {
            for (bytes, depth) in [(100, 1), (100, 16), (10_000, 1), (10_000, 16)] {
                let cell = cell(bytes, depth, era, 4000);
                let by = |client: &str| {
                    let [client, server] = [client, "raw-http-server"].map(|name| self.programs.join(name));
                    load_client(&client, &cell, cell.calls, &server)
                };
                ratios.push(self.ratio("own", false, &|| by("http-generator"), &|| by("our-http-client"))?);
            }
        }
        Ok(ratios)
    }

    /// The difference of the medians, in milliseconds.
    fn first_result(&self) -> Outcome<Vec<String>> {
        let cell = cell(100, 1, "modern", 10);
        let by = |client: &str| {
            let [client, server] = [client, "tuned-server"].map(|name| self.programs.join(name));
            load_client(&client, &cell, cell.calls, &server)
        };
        let found = medians(self.pairs.max(9), &[&|| by("raw-client"), &|| by("our-client")])?;
        let of = |index: usize| found[index].get("first").copied().unwrap_or_default();
        Ok(vec![format!("{:.2}", (of(1) - of(0)) / 1e6)])
    }

    fn burst(&self) -> Outcome<Vec<String>> {
        let calls = cell(100, 1, "modern", 4096);
        let run = |cell: Cell| {
            let [burst, server] = ["burst", "our-server"].map(|name| self.programs.join(name));
            let mut command = load_server(&burst, &cell, cell.calls, &[], &server);
            let line = output(&mut command).ok_or("burst failed")?;
            let answered = line.split_whitespace().find_map(|word| word.strip_prefix("answered="));
            Ok(answered.unwrap_or("?").to_owned())
        };
        [calls.threaded(), calls].into_iter().map(run).collect()
    }
}
