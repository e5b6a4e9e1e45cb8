select id, name from {{ source('stripe', 'customers') }}
