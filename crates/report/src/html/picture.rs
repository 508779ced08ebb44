//! Pictures: each is drawn twice, for wide and for narrow screens, because text in a picture doesn't flow.

use maud::{Markup, PreEscaped, Render, html};

/// Width of the drawing for wide screens and paper, in CSS pixels.
pub(super) const WIDE: f64 = 880.0;
/// Width of the drawing for narrow screens.
pub(super) const NARROW: f64 = 320.0;

/// A drawing.
#[derive(Debug)]
pub(super) struct Drawing {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) content: Markup,
}

/// A picture with its caption. `says` tells what it shows to those who don't see it.
pub(super) fn figure(says: &str, wide: Drawing, narrow: Drawing, caption: &Markup) -> Markup {
    html! {
        figure {
            (svg("wide", says, wide))
            (svg("narrow", says, narrow))
            figcaption { (caption) }
        }
    }
}

fn svg(class: &str, says: &str, drawing: Drawing) -> Markup {
    let (width, height) = (Pixels(drawing.width), Pixels(drawing.height));
    html! {
        svg class=(class) role="img" aria-label=(says) width=(width) height=(height)
            viewBox={ "0 0 " (width) " " (height) } {
            (drawing.content)
        }
    }
}

/// A length with at most one digit after the point: the same text on every machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pixels(pub(super) f64);

impl Render for Pixels {
    fn render_to(&self, to: &mut String) {
        let tenths = (self.0 * 10.0).round() as i64;
        to.push_str(&if tenths % 10 == 0 {
            (tenths / 10).to_string()
        } else {
            format!("{:.1}", tenths as f64 / 10.0)
        });
    }
}

/// A line of text.
pub(super) fn words(class: &str, x: f64, y: f64, text: &str) -> Markup {
    html! { text class=(class) x=(Pixels(x)) y=(Pixels(y)) { (text) } }
}

/// A line.
pub(super) fn line(class: &str, from: (f64, f64), to: (f64, f64)) -> Markup {
    html! { line class=(class) x1=(Pixels(from.0)) y1=(Pixels(from.1)) x2=(Pixels(to.0)) y2=(Pixels(to.1)) {} }
}

/// A rectangle with slightly round corners.
pub(super) fn rectangle(class: &str, x: f64, y: f64, width: f64, height: f64) -> Markup {
    html! { rect class=(class) x=(Pixels(x)) y=(Pixels(y)) width=(Pixels(width)) height=(Pixels(height)) rx="3" {} }
}

/// A small shape that says the same as the colour beside it.
pub(super) fn icon(name: &str) -> Markup {
    let path = match name {
        "critical" | "malicious_looking" | "broken" => {
            "M3.5 0h5L12 3.5v5L8.5 12h-5L0 8.5v-5zM5.2 2.5v4.2h1.6V2.5zm0 5.4v1.6h1.6V7.9z"
        }
        "high" => "M6 .5 12 11.5H0z",
        "medium" | "needs_human" | "partly" | "incomplete" => "M6 0l6 6-6 6-6-6z",
        "expected" | "yes" | "intact" => "M1.2 6.2 2.8 4.6 5 6.8 9.4 2.2 11 3.8 5 10z",
        "no" => "M0 5h12v2H0z",
        _ => "M6 1a5 5 0 1 1 0 10A5 5 0 0 1 6 1z",
    };
    html! {
        svg.icon width="11" height="11" viewBox="0 0 12 12" aria-hidden="true" { path d=(PreEscaped(path)) fill-rule="evenodd" {} }
    }
}

/// A word with the shape and the colour that stand for it. `class` is one of ours, never a text from a log.
pub(super) fn chip(class: &'static str, text: &str) -> Markup {
    html! { span class={ "chip " (class) } { (icon(class)) (text) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short() {
        let text: Vec<String> = [0.0, 12.04, 12.06, -3.5].map(|length| Pixels(length).render().0).to_vec();
        assert_eq!(text, ["0", "12", "12.1", "-3.5"]);
    }
}
