select * from {{ source('nowhere', 'unheard_of') }}
