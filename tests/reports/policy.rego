# Rules as people write them for Terraform's plans, with Conftest: they know azurerm's names, and nothing of dkv.
package main

import rego.v1

written contains change if {
	some change in input.resource_changes
	some action in change.change.actions
	action in {"create", "update"}
}

deny contains message if {
	some change in written
	change.type == "azurerm_key_vault_secret"
	change.change.after.expiration_date == null
	message := sprintf("%s: a secret needs an expiry", [change.address])
}

deny contains message if {
	some change in written
	change.type == "azurerm_key_vault"
	change.change.after.public_network_access_enabled == true
	message := sprintf("%s: a vault is not open to all networks", [change.address])
}

deny contains message if {
	some change in input.resource_changes
	"delete" in change.change.actions
	change.type == "azurerm_key_vault"
	message := sprintf("%s: vaults are not deleted by a pipeline", [change.address])
}

deny contains message if {
	some change in written
	change.type == "azurerm_key_vault_access_policy"
	"Purge" in change.change.after.secret_permissions
	message := sprintf("%s: nobody purges", [change.address])
}

deny contains message if {
	some change in written
	change.change.after_sensitive.value != true
	change.type == "azurerm_key_vault_secret"
	message := sprintf("%s: a secret's value is shown", [change.address])
}
