select * from {{ source('legacy', 'ledger') }}
