//! Runs rules over events: the shared scan and the detect pipeline.
