use crate::errors::WorktabError;
use crate::state::Network;
use anchor_lang::prelude::*;

/// Where the network admits devices by hand: the authority or an attestor must have signed.
pub fn require_admission(network: &Network, admission: &Option<Signer>) -> Result<()> {
    let admitted = network.admission == 0
        || admission
            .as_ref()
            .is_some_and(|signer| network.admits(signer.address()));
    require!(admitted, WorktabError::AdmissionRequired);
    Ok(())
}
