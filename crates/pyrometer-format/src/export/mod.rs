//! Writers of the formats of other viewers.
