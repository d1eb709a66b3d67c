//! Figures by name, each with its median and spread.

use std::fmt;

/// Figures in the order in which they were first added.
#[derive(Debug)]
pub(crate) struct Table {
    heads: Vec<String>,
    rows: Vec<(String, Vec<f64>)>,
}

impl Table {
    pub(crate) fn new(heads: &[&str]) -> Self {
        Self { heads: heads.iter().map(ToString::to_string).collect(), rows: Vec::new() }
    }

    /// Adds a figure under a name; several figures of one name come from several runs.
    pub(crate) fn add(&mut self, name: &str, figure: f64) {
        match self.rows.iter_mut().find(|(known, _)| known == name) {
            Some((_, figures)) => figures.push(figure),
            None => self.rows.push((name.to_owned(), vec![figure])),
        }
    }

    /// Adds a row with a figure for each head.
    pub(crate) fn add_row(&mut self, name: &str, figures: Vec<f64>) {
        self.rows.push((name.to_owned(), figures));
    }
}

/// Formats as Markdown: median, minimum and maximum, or the figures themselves in a table without a median.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| {} |", self.heads.join(" | "))?;
        writeln!(f, "|{}", "---|".repeat(self.heads.len()))?;
        let spread = self.heads.get(1).is_some_and(|head| head == "median");
        for (name, figures) in &self.rows {
            let shown = if spread { spread_of(figures) } else { figures.clone() };
            let shown: Vec<_> = shown.into_iter().map(text).collect();
            writeln!(f, "| {name} | {} |", shown.join(" | "))?;
        }
        Ok(())
    }
}

fn spread_of(figures: &[f64]) -> Vec<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    vec![sorted[sorted.len() / 2], sorted[0], sorted[sorted.len() - 1]]
}

/// Formats a figure with its significant digits.
fn text(figure: f64) -> String {
    match figure {
        _ if figure >= 100.0 => format!("{figure:.0}"),
        _ if figure >= 1.0 => format!("{figure:.1}"),
        _ => format!("{figure:.4}"),
    }
}
