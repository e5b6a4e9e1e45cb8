# Which crons the module takes: the rules are Quartz's, and Airbyte's own on top.
mock_provider "airbyte" {}

variables {
  name           = "n"
  workspace_id   = "w"
  destination_id = "d"
  connector      = "source-faker"
}

run "every_quarter_of_an_hour_is_taken" {
  command = plan
  variables {
    cron = "0 0/15 * * * ? UTC"
  }
}

run "second_friday_is_taken" {
  command = plan
  variables {
    cron = "0 0 3 ? JAN-MAR FRI#2 UTC"
  }
}

run "with_a_year_is_taken" {
  command = plan
  variables {
    cron = "0 0 3 ? * 2-6 2027 UTC"
  }
}

run "a_unix_cron_is_refused" {
  command = plan
  variables {
    cron = "0 */6 * * *"
  }
  expect_failures = [var.cron]
}

run "a_cron_without_its_zone_is_refused" {
  command = plan
  variables {
    cron = "0 0 2 * * ?"
  }
  expect_failures = [var.cron]
}

run "both_days_open_is_refused" {
  command = plan
  variables {
    cron = "0 0 2 ? * ? UTC"
  }
  expect_failures = [var.cron]
}

run "seconds_in_steps_is_refused" {
  command = plan
  variables {
    cron = "*/10 0 2 * * ? UTC"
  }
  expect_failures = [var.cron]
}

run "minutes_in_steps_with_a_year_is_refused" {
  command = plan
  variables {
    cron = "0 0/30 * * * ? * UTC"
  }
  expect_failures = [var.cron]
}

run "an_hour_too_high_is_refused" {
  command = plan
  variables {
    cron = "0 0 24 * * ? UTC"
  }
  expect_failures = [var.cron]
}

run "sunday_as_zero_is_refused" {
  command = plan
  variables {
    cron = "0 0 2 ? * 0 UTC"
  }
  expect_failures = [var.cron]
}
