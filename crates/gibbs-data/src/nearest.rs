//! The known name that a mistyped one probably meant.

/// The candidate at the smallest edit distance from `name`, if that is at most a third of its length (at least 1).
///
/// # Example
/// ```
/// use gibbs_data::nearest;
/// assert_eq!(nearest("digts", ["digits", "mnist"]).as_deref(), Some("digits"));
/// assert_eq!(nearest("weather", ["digits", "mnist"]), None);
/// ```
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let wanted = comparable(name);
    candidates
        .into_iter()
        .map(|c| (strsim::levenshtein(&wanted, &comparable(c)), c))
        .min_by_key(|&(distance, _)| distance)
        .filter(|&(distance, _)| distance <= (wanted.chars().count() / 3).max(1))
        .map(|(_, c)| c.to_string())
}

/// Lower case, and only the beginning: a header cell of a damaged file may be a megabyte long.
fn comparable(name: &str) -> String {
    name.chars().take(64).flat_map(char::to_lowercase).collect()
}
