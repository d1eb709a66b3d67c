//! The settings as a table.

use crate::config::Origin;

/// A line for each setting: key, value and source, each column as wide as it needs to be.
pub(super) fn of(origins: &[Origin]) -> String {
    let width = |column: fn(&Origin) -> &str| {
        origins.iter().map(|origin| column(origin).chars().count()).max().unwrap_or_default()
    };
    let (keys, values) = (width(|it| &it.key), width(|it| &it.value));
    let line = |Origin { key, value, source }: &Origin| {
        format!("{key:keys$}  {value:values$}  {source}\n")
    };
    origins.iter().map(line).collect()
}
