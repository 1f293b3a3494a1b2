//! Certificate objects, and `ssl.loadcertificate`.
