variable "airbyte_url" {
  description = "Root of Airbyte's public API, such as https://airbyte.example.com/api/public/v1."
  type        = string
  default     = "https://api.airbyte.com/v1"
}

variable "airbyte_client_id" {
  description = "Client id of the application that applies."
  type        = string
  default     = null
  sensitive   = true
}

variable "airbyte_client_secret" {
  description = "Client secret of the application that applies."
  type        = string
  default     = null
  sensitive   = true
}

variable "workspace_id" {
  description = "Workspace that everything lives in."
  type        = string
}

variable "source_secrets" {
  description = "Secrets of the sources, by connection name: { \"stripe-billing\" = { client_secret = \"…\" } }."
  type        = map(map(string))
  default     = {}
  sensitive   = true
}

variable "destination_secrets" {
  description = "Secrets of the destinations, by name."
  type        = map(map(string))
  default     = {}
  sensitive   = true
}
