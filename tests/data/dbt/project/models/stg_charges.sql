select id, amount, customer_id from {{ source('stripe', 'charges') }}
