//! The capture file `*.pyro`.
