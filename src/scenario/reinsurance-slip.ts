import type { Scenario } from './scenario.ts'
export const reinsuranceSlip: Scenario = {
  title: 'T', parties: [{handle:'broker',name:'Broker',role:'broker'},{handle:'lead',name:'Lead',role:'lead'},{handle:'follow',name:'Follow',role:'follow'}],
  document: [{kind:'block',name:'Risk Details',children:[{kind:'field',name:'Insured',field:{type:'text'}},{kind:'field',name:'Premium',field:{type:'money'}}]}],
  steps: [{by:'broker',say:'sets',set:{'Risk Details/Insured':'Acme','Risk Details/Premium':{amount:'10.00',currency:'USD'}}},{by:'lead',say:'counters',set:{'Risk Details/Premium':{amount:'12.00',currency:'USD'}}}],
}
