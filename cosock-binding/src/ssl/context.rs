//! `ssl.newcontext` and `ssl.config`: reads the configuration table.
