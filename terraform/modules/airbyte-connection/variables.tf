variable "name" {
  description = "Name of the connection and of its source. Keep it unique: it is how a connection is matched to its address."
  type        = string
  nullable    = false

  validation {
    condition     = trimspace(var.name) == var.name && var.name != ""
    error_message = "The name is empty, or starts or ends with a space."
  }
}

variable "workspace_id" {
  description = "Workspace of the source."
  type        = string
  nullable    = false
}

variable "destination_id" {
  description = "Destination to write to."
  type        = string
  nullable    = false
}

variable "connector" {
  description = "Source connector, as in its image: `source-stripe`."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.connector, "source-")
    error_message = "A connector is named like its image, such as source-stripe."
  }
}

variable "connector_version" {
  description = "Version of the connector; null follows the registry."
  type        = string
  default     = null
}

variable "configuration" {
  description = "What the connector needs to know and is no secret. Tuning options go to `tuning`."
  type        = any
  default     = {}
}

variable "secrets" {
  description = "What the connector needs to know and is a secret."
  type        = any
  default     = {}
  sensitive   = true
}

variable "tuning" {
  description = "Tuning options of the connector (`trimtab knobs CONNECTOR` lists them), laid over `configuration`. Write them as plain literals: these are the values that trimtab turns."
  type        = any
  default     = {}
  nullable    = false

  validation {
    condition     = can([for value in values(var.tuning) : tostring(value)])
    error_message = "Tuning options are numbers or texts; a nested option stays in `configuration`, because objects are not merged in depth."
  }
}

variable "schedule_type" {
  description = "`cron`, or `manual` for a connection that something else starts."
  type        = string
  default     = "cron"
  nullable    = false

  validation {
    condition     = contains(["cron", "manual"], var.schedule_type)
    error_message = "Airbyte's API takes cron and manual; an interval (\"every 6 hours\") cannot be written."
  }
}

variable "cron" {
  description = "Quartz expression, ending in ` UTC`, which is how Airbyte reads it back: anything else plans a change for ever. Null when `schedule_type` is `manual`."
  type        = string
  default     = null

  validation {
    condition     = var.cron == null || endswith(coalesce(var.cron, "-"), " UTC")
    error_message = "The cron must end in \" UTC\": Airbyte stores no other zone through its API, and reads the zone back."
  }

  validation {
    condition     = var.cron == null || contains([7, 8], length(split(" ", coalesce(var.cron, "-"))))
    error_message = "Quartz wants 6 or 7 fields separated by one space (second minute hour day-of-month month day-of-week [year]), then UTC. A unix cron has 5."
  }

  validation {
    condition     = var.cron == null || can(regex("^[0-5]?[0-9] ", var.cron))
    error_message = "Airbyte wants the seconds as one plain number, 0 to 59."
  }

  validation {
    condition     = var.cron == null || length(split(" ", coalesce(var.cron, "-"))) != 8 || can(regex("^[0-9]+ [0-5]?[0-9] ", var.cron))
    error_message = "With a year field, Airbyte wants the minutes as one plain number, 0 to 59."
  }

  validation {
    condition     = var.cron == null || can(regex("^\\S+ \\S+ \\S+ (\\? \\S+ [^? ]\\S*|[^? ]\\S* \\S+ \\?) ", var.cron))
    error_message = "Exactly one of day-of-month and day-of-week must be \"?\"."
  }

  validation {
    condition     = var.cron == null || can(regex("^\\S+ (\\*|[0-5]?\\d(-[0-5]?\\d)?)(/\\d{1,2})?(,(\\*|[0-5]?\\d(-[0-5]?\\d)?)(/\\d{1,2})?)* ", var.cron))
    error_message = "The minutes are not a number from 0 to 59, a range, a step or a list of these."
  }

  validation {
    condition     = var.cron == null || can(regex("^\\S+ \\S+ (\\*|([01]?\\d|2[0-3])(-([01]?\\d|2[0-3]))?)(/\\d{1,2})?(,(\\*|([01]?\\d|2[0-3])(-([01]?\\d|2[0-3]))?)(/\\d{1,2})?)* ", var.cron))
    error_message = "The hours are not a number from 0 to 23, a range, a step or a list of these."
  }

  validation {
    condition     = var.cron == null || can(regex("^\\S+ \\S+ \\S+ (\\?|LW?|L-\\d{1,2}W?|(0?[1-9]|[12]\\d|3[01])W|(\\*|(0?[1-9]|[12]\\d|3[01])(-(0?[1-9]|[12]\\d|3[01]))?)(/\\d{1,2})?(,(\\*|(0?[1-9]|[12]\\d|3[01])(-(0?[1-9]|[12]\\d|3[01]))?)(/\\d{1,2})?)*) ", var.cron))
    error_message = "The day of the month is not 1 to 31, L, LW, a number and W, a range, a step, a list of numbers, or \"?\"."
  }

  validation {
    condition     = var.cron == null || can(regex("(?i)^\\S+ \\S+ \\S+ \\S+ (\\*|(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)(-(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC))?)(/\\d{1,2})?(,(\\*|(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)(-(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC))?)(/\\d{1,2})?)* ", var.cron))
    error_message = "The month is not 1 to 12 or JAN to DEC, a range, a step or a list of these."
  }

  validation {
    condition     = var.cron == null || can(regex("(?i)^\\S+ \\S+ \\S+ \\S+ \\S+ (\\?|L|([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(L|#[1-5])|(\\*|([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(-([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT))?)(/\\d{1,2})?(,(\\*|([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(-([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT))?)(/\\d{1,2})?)*)( [\\d*,/-]+)? UTC$", var.cron))
    error_message = "The day of the week is not 1 (Sunday) to 7, SUN to SAT, L, 6L or FRI#2, a range, a step, a list of these, or \"?\"."
  }
}

variable "status" {
  description = "`active` or `inactive`."
  type        = string
  default     = "active"
  nullable    = false

  validation {
    condition     = contains(["active", "inactive"], var.status)
    error_message = "The status is active or inactive."
  }
}

variable "streams" {
  description = "Streams to sync; null leaves the choice to Airbyte."
  type = list(object({
    name         = string
    namespace    = optional(string)
    sync_mode    = optional(string)
    cursor_field = optional(list(string))
    primary_key  = optional(list(list(string)))
  }))
  default = null
}

variable "prefix" {
  description = "Put in front of every stream's name at the destination."
  type        = string
  default     = ""
  nullable    = false
}

variable "namespace_definition" {
  description = "`source`, `destination` or `custom_format`."
  type        = string
  default     = "destination"
  nullable    = false
}

variable "namespace_format" {
  description = "The format when `namespace_definition` is `custom_format`."
  type        = string
  default     = null
}

variable "non_breaking_schema_updates_behavior" {
  description = "What Airbyte does about new columns and streams: `ignore`, `disable_connection`, `propagate_columns` or `propagate_fully`."
  type        = string
  default     = "ignore"
  nullable    = false
}
