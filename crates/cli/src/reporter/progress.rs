//! How far a hunt is, on stderr while it is a terminal: inputs, records a second, time left.

use engine::HuntEvent;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::printer::{Printer, thousands, visible};

/// A bar that follows the bytes of the inputs; nothing when stderr is no terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    inputs: usize,
    done: usize,
    records: u64,
}

impl Progress {
    pub(crate) fn new(printer: &Printer) -> Self {
        let target = if printer.draws_progress() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        let template = "{bar:30} {percent:>3}%  {bytes}/{total_bytes}  {msg}  {elapsed} (left: {eta})";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, inputs: 0, done: 0, records: 0 }
    }

    pub(crate) fn event(&mut self, event: HuntEvent) {
        match event {
            HuntEvent::Started { inputs, bytes } => {
                self.inputs = inputs;
                self.bar.set_length(bytes);
            }
            HuntEvent::InputDone { bytes, records, .. } => {
                self.done += 1;
                self.records += records;
                self.bar.inc(bytes);
                let seconds = self.bar.elapsed().as_secs_f64();
                let speed = if seconds > 0.0 { (self.records as f64 / seconds) as u64 } else { 0 };
                self.bar.set_message(visible(&format!(
                    "{}/{} inputs  {} records ({}/s)",
                    thousands(self.done as u64),
                    thousands(self.inputs as u64),
                    thousands(self.records),
                    thousands(speed)
                )));
            }
        }
    }

    /// Takes the bar away, so that nothing of it stands between the lines that follow.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}
