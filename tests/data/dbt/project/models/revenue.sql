select c.name, sum(s.amount) as amount
from {{ ref('stg_charges') }} as s join {{ ref('stg_customers') }} as c on s.customer_id = c.id
group by c.name
