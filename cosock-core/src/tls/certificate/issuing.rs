//! Whether one certificate vouches for another.

use openssl::error::ErrorStack;
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509StoreContext, X509VerifyResult};

use super::Certificate;
use crate::tls::ffi::clear_errors;
use crate::tls::words;

impl Certificate {
    /// Verifies `certificate` with this one as the only authority, by way of the `intermediates`.
    ///
    /// # Errors
    ///
    /// OpenSSL's words for the reason why not.
    pub fn issued<'a>(
        &self,
        certificate: &Certificate,
        intermediates: impl IntoIterator<Item = &'a Certificate>,
    ) -> Result<(), &'static str> {
        let result = self.verify(certificate, intermediates);
        clear_errors();
        match result {
            Ok(X509VerifyResult::OK) => Ok(()),
            Ok(failure) => Err(words::verification(failure)),
            Err(_) => Err("unspecified certificate verification error"),
        }
    }

    fn verify<'a>(
        &self,
        certificate: &Certificate,
        intermediates: impl IntoIterator<Item = &'a Certificate>,
    ) -> Result<X509VerifyResult, ErrorStack> {
        let mut store = X509StoreBuilder::new()?;
        store.add_cert(self.x509.clone())?;
        let mut chain = Stack::new()?;
        for intermediate in intermediates {
            chain.push(intermediate.x509.clone())?;
        }
        X509StoreContext::new()?.init(&store.build(), &certificate.x509, &chain, |context| {
            // A failure that says nothing must not pass for success.
            match (context.verify_cert()?, context.error()) {
                (false, X509VerifyResult::OK) => Err(ErrorStack::get()),
                (_, result) => Ok(result),
            }
        })
    }
}
