//! The known word that a misspelt one most likely stands for.

/// The nearest of the known words, when one is near enough; case does not count.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    if word.len() > 40 {
        return None;
    }
    let word = word.to_lowercase();
    let allowed = if word.chars().count() < 5 { 1 } else { 2 };
    known
        .iter()
        .map(|near| (strsim::osa_distance(&word, &near.to_lowercase()), *near))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, near)| near)
}
