// Generated from schemas/avro/*.avsc by `npm run docs`; do not edit.
// Dates are days and times milliseconds since 1970, as Avro has them.

/** An advance invoice of one legal entity as inFakt shows it now. Where the API says null, an empty text or nothing at all, the record says null. */
export interface AdvanceInvoice {
  /** The legal entity that the advance invoice belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The advance invoice's integer id in inFakt, unique among the entity's advance invoices. Source: inFakt API, list row. */
  readonly id: number;
  /** When the row was read that this record was made of. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly observed_at: number;
  /** UUID of the advance invoice; what the API addresses it by. Source: inFakt API, list row. */
  readonly uuid: string | null;
  /** Integer id of the document that this one is linked to. Source: inFakt API, list row since 2025. */
  readonly parent_id: number | null;
  /** Number of the document; may be missing on drafts. Source: inFakt API, list row. */
  readonly number: string | null;
  /** Kind of document: advance; an open list. Source: inFakt API, list row. */
  readonly kind: string | null;
  /** State of the document: draft, sent, printed or paid; an open list. Source: inFakt API, list row. */
  readonly status: string | null;
  /** Currency of every amount of the document, ISO 4217. Source: inFakt API, list row. */
  readonly currency: string | null;
  /** How it is to be paid: transfer, cash, card and others; an open list. Source: inFakt API, list row. */
  readonly payment_method: string | null;
  /** Date of issue. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly invoice_date: number | null;
  /** Date the advance was received, which decides the month of its VAT. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly advance_date: number | null;
  /** Date the payment is due. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly payment_date: number | null;
  /** Date the advance invoice was paid; null while it is unpaid. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly paid_date: number | null;
  /** Net total of the lines. In inFakt's own example it is that of the whole order, not of the advance, which is advance_price. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly net_price: number | null;
  /** VAT total of the lines. In inFakt's own example it is that of the whole order, not of the advance, which is advance_price. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly tax_price: number | null;
  /** Gross total of the lines. In inFakt's own example it is that of the whole order, not of the advance, which is advance_price. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly gross_price: number | null;
  /** Advance that was paid. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly advance_price: number | null;
  /** No debt: in inFakt's own example the gross total less this and all earlier advances, negative where they exceed that total. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly left_to_pay: number | null;
  /** Notes printed on the advance invoice. Source: inFakt API, list row. */
  readonly notes: string | null;
  /** Whether the split payment mechanism applies. Source: inFakt API, list row. */
  readonly split_payment: boolean | null;
  /** How the split payment mechanism applies: required or optional; an open list. Source: inFakt API, list row. */
  readonly split_payment_type: string | null;
  /** Name of the person entitled to receive the advance invoice. Source: inFakt API, list row. */
  readonly recipient_signature: string | null;
  /** Name of the person entitled to issue the advance invoice. Source: inFakt API, list row. */
  readonly seller_signature: string | null;
  /** Which date decides the VAT period: issue_date, sale_date or paid_date; an open list. Source: inFakt API, list row since 2025. */
  readonly vat_date_value: string | null;
  /** Kind of the date of sale: sale_date, service_date, cargo_date or continuous_service_end_on; an open list. Source: inFakt API, list row. */
  readonly invoice_date_kind: string | null;
  /** Whether it is an occasional sale. Source: inFakt API, list row since 2025. */
  readonly occasional_sale: boolean | null;
  /** Whether the document is left out of income. Source: inFakt API, list row. */
  readonly not_income: boolean | null;
  /** Whether it is a building service. Source: inFakt API, list row since 2025. */
  readonly building_service: boolean | null;
  /** Integer id of the client; the client may have been changed or deleted since. Source: inFakt API, list row. */
  readonly client_id: number | null;
  /** UUID of the client. Source: inFakt API, list row since 2025. */
  readonly client_uuid: string | null;
  /** Buyer's company name when the advance invoice was saved; null for private persons. Source: inFakt API, list row. */
  readonly client_company_name: string | null;
  /** Buyer's first name when the advance invoice was saved. Source: inFakt API, list row. */
  readonly client_first_name: string | null;
  /** Buyer's last name when the advance invoice was saved. Source: inFakt API, list row. */
  readonly client_last_name: string | null;
  /** What kind of party it is: private_person, self_employed or other_business; an open list. Source: inFakt API, list row. */
  readonly client_business_activity_kind: string | null;
  /** Street of the buyer's address when the advance invoice was saved. Source: inFakt API, list row. */
  readonly client_street: string | null;
  /** Number of the buyer's building when the advance invoice was saved. Source: inFakt API, list row. */
  readonly client_street_number: string | null;
  /** Number of the buyer's flat when the advance invoice was saved. Source: inFakt API, list row. */
  readonly client_flat_number: string | null;
  /** City of the buyer's address when the advance invoice was saved. Source: inFakt API, list row. */
  readonly client_city: string | null;
  /** Postal code of the buyer's address exactly as entered. Source: inFakt API, list row. */
  readonly client_post_code: string | null;
  /** Buyer's tax number exactly as entered: may hold a country prefix, dashes or spaces. Source: inFakt API, list row. */
  readonly client_tax_code: string | null;
  /** Country of the buyer's address, ISO 3166-1 alpha-2. Source: inFakt API, list row. */
  readonly client_country: string | null;
  /** Number of the seller's bank account exactly as entered. Source: inFakt API, list row. */
  readonly bank_account: string | null;
  /** Name of the seller's bank. Source: inFakt API, list row. */
  readonly bank_name: string | null;
  /** SWIFT code of the seller's bank. Source: inFakt API, list row. */
  readonly swift: string | null;
  /** Reference id of the reason for a VAT exemption. Source: inFakt API, list row. */
  readonly vat_exemption_reason: number | null;
  /** What is sold: service or merchandise; an open list. Source: inFakt API, list row. */
  readonly sale_type: string | null;
  /** Kind of sale for the books, e.g. sprzedaz_podstawowa; an open list. Source: inFakt API, list row since 2025. */
  readonly sales_kind: string | null;
  /** Reference ids of the document's markings for the VAT register, as texts. Source: inFakt API, list row. */
  readonly document_markings_ids: readonly string[] | null;
  /** Reference id of the kind of transaction. Source: inFakt API, list row. */
  readonly transaction_kind_id: number | null;
  /** Seller's number in the waste register (BDO) exactly as entered. Source: inFakt API, list row. */
  readonly bdo_code: string | null;
  /** Number of the receipt that the advance invoice was issued for. Source: inFakt API, list row. */
  readonly receipt_number: string | null;
  /** Which tax decides the date of the exchange rate: vat or pit. inFakt changes it without an edit, so on documents in PLN it is never the reason for a change record. Source: inFakt API, list row. */
  readonly vat_exchange_date_kind: string | null;
  /** Gross total in Polish words. Source: inFakt API, list row since 2025. */
  readonly amount_in_words: string | null;
  /** When the advance invoice was created. Milliseconds since 1970-01-01T00:00:00Z. Source: inFakt API, list row since 2025. */
  readonly created_at: number | null;
  /** Integer id of the bank reconciliation. Source: inFakt API, list row since 2025. */
  readonly reconciliation_id: number | null;
  /** Integer id of the advance invoice before this one. Source: inFakt API, list row. */
  readonly previous_advance_id: number | null;
  /** Array of the advance invoices before this one: their id, uuid, number, invoice_date and advance_price (minor units). JSON text with sorted keys. Source: inFakt API, list row. */
  readonly previous_advances: string | null;
  /** Array of the advance invoices after this one. JSON text with sorted keys. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly next_advances: string | null;
  /** Object about the invoice that this one belongs to. JSON text with sorted keys. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly parent_invoice_data: string | null;
  /** Integer id of the bank account. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly bank_id: number | null;
  /** Days that the client has to pay. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly client_days_to_payment: number | null;
  /** Notes about the client. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly client_notes: string | null;
  /** Number that the national e-invoice system (KSeF) gave the advance invoice. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly ksef_number: string | null;
  /** Whether inFakt was asked to look for another document of the same number. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly check_duplicate_number: boolean | null;
  /** The lines of the advance invoice, in the document's order. Source: inFakt API, list row. */
  readonly services: readonly AdvanceLine[] | null;
  /** Array of the third parties of the advance invoice and their roles. JSON text with sorted keys. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly third_party_addresses: string | null;
  /** Object with the contracts and orders that the advance invoice refers to. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly transaction_terms: string | null;
  /** Array of documents related to the advance invoice. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly related_documents: string | null;
  /** Object with the address of a local government unit that receives the advance invoice. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly local_government_recipient_address: string | null;
  /** Object with the address of a local government unit that sells. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly local_government_seller_address: string | null;
  /** Object with links for online payment and sharing. inFakt changes it without an edit, so on documents in PLN it is never the reason for a change record. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly extensions: string | null;
  /** Object with the state of the advance invoice in the national e-invoice system (KSeF). JSON text with sorted keys. Always null for now, as lists do not show it. Source: inFakt API, detail only. */
  readonly ksef_data: string | null;
  /** Fields of the advance invoice that this schema does not know yet, null and empty ones left out: JSON text of one object with sorted keys; null when there are none. Source: inFakt API, list row. */
  readonly extra: string | null;
  /** Fingerprint of the row that this record was made of, as in the header: 16 hexadecimal digits, what the sums of <prefix>.sweeps add up; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint: string | null;
  /** Names how the fingerprint was computed, for comparing with a record of <prefix>.sweeps: fingerprints under different definitions cannot be compared; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint_definition: number | null;
}

/** One line of an advance invoice, in the document's order. */
export interface AdvanceLine {
  /** Integer id of the line. An edit of any line deletes and recreates all of them, so on documents in PLN it is never the reason for a change record. Source: inFakt API, list row. */
  readonly id: number | null;
  /** Integer id of a related line. Source: inFakt API, list row since 2025. */
  readonly related_id: number | null;
  /** What was sold. Source: inFakt API, list row. */
  readonly name: string | null;
  /** VAT rate symbol, e.g. 23, 8, 5, 0, zw, np; an open list. Source: inFakt API, list row. */
  readonly tax_symbol: string | null;
  /** Unit of the quantity. Source: inFakt API, list row. */
  readonly unit: string | null;
  /** How much was sold, in the line's unit; may be fractional. Plain decimal notation without exponent or trailing zeros. Source: inFakt API, list row. */
  readonly quantity: string | null;
  /** Net price of one unit, after the discount. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly unit_net_price: number | null;
  /** Net value of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly net_price: number | null;
  /** Gross value of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly gross_price: number | null;
  /** VAT of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly tax_price: number | null;
  /** Classification symbols, composed by inFakt; deprecated there in favour of pkwiu, cn and pkob. Source: inFakt API, list row. */
  readonly symbol: string | null;
  /** Symbol in the Polish classification of goods and services. Source: inFakt API, list row. */
  readonly pkwiu: string | null;
  /** Symbol in the Combined Nomenclature. Source: inFakt API, list row. */
  readonly cn: string | null;
  /** Symbol in the Polish classification of buildings. Source: inFakt API, list row. */
  readonly pkob: string | null;
  /** Symbol of the flat rate tax. Source: inFakt API, list row since 2025. */
  readonly flat_rate_tax_symbol: string | null;
  /** Discount in per cent, the text that the API sends, e.g. 0.0. Source: inFakt API, list row. */
  readonly discount: string | null;
  /** Net price of one unit, before the discount. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly unit_net_price_before_discount: number | null;
  /** Reference id of the line's GTU group. Source: inFakt API, list row. */
  readonly gtu_id: number | null;
  /** Global trade item number exactly as entered. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly gtin: string | null;
  /** Which date decides the VAT period of the line: issue_date, sale_date or paid_date; an open list. Source: inFakt API, list row before 2025. */
  readonly vat_date_value: string | null;
  /** Whether the line is an occasional sale. Source: inFakt API, list row before 2025. */
  readonly occasional_sale: boolean | null;
  /** Fields of the line that this schema does not know yet, null and empty ones left out: JSON text of one object with sorted keys; null when there are none. Source: inFakt API, list row. */
  readonly extra: string | null;
}

/** Key of a record about one advance invoice. */
export interface AdvanceInvoiceKey {
  /** The legal entity that the advance invoice belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The advance invoice's integer id in inFakt, unique among the entity's advance invoices. Source: inFakt API, list row. */
  readonly id: number;
}

/** A client of one legal entity as inFakt shows it now. Where the API says null, an empty text or nothing at all, the record says null. */
export interface Client {
  /** The legal entity that the client belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The client's integer id in inFakt, unique within the entity. Source: inFakt API, list row. */
  readonly id: number;
  /** When the row was read that this record was made of. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly observed_at: number;
  /** UUID of the client. Source: inFakt API, list row since 2025. */
  readonly uuid: string | null;
  /** Name of the company; null for private persons. Source: inFakt API, list row. */
  readonly company_name: string | null;
  /** First name of a person. Source: inFakt API, list row. */
  readonly first_name: string | null;
  /** Last name of a person. Source: inFakt API, list row. */
  readonly last_name: string | null;
  /** What kind of party it is: private_person, self_employed or other_business; an open list. Source: inFakt API, list row. */
  readonly business_activity_kind: string | null;
  /** Tax number exactly as entered: may hold a country prefix, dashes or spaces; not unique. Source: inFakt API, list row. */
  readonly nip: string | null;
  /** Street of the address. Source: inFakt API, list row. */
  readonly street: string | null;
  /** Number of the building. Source: inFakt API, list row. */
  readonly street_number: string | null;
  /** Number of the flat. Source: inFakt API, list row. */
  readonly flat_number: string | null;
  /** City of the address. Source: inFakt API, list row. */
  readonly city: string | null;
  /** Country of the address, ISO 3166-1 alpha-2. Source: inFakt API, list row. */
  readonly country: string | null;
  /** Country of the address, its Polish name. Source: inFakt API, list row since 2025. */
  readonly country_full_name: string | null;
  /** Postal code exactly as entered. Source: inFakt API, list row. */
  readonly postal_code: string | null;
  /** Telephone number exactly as entered. Source: inFakt API, list row. */
  readonly phone_number: string | null;
  /** E-mail address, or several of them separated by commas or semicolons. Source: inFakt API, list row. */
  readonly email: string | null;
  /** Web site. Source: inFakt API, list row. */
  readonly web_site: string | null;
  /** Note about the client. Source: inFakt API, list row. */
  readonly note: string | null;
  /** Person entitled to receive invoices. Source: inFakt API, list row. */
  readonly receiver: string | null;
  /** Note put on the client's invoices. Source: inFakt API, list row. */
  readonly invoice_note: string | null;
  /** Company name of the mailing address. Source: inFakt API, list row. */
  readonly mailing_company_name: string | null;
  /** Street of the mailing address, with its numbers. Source: inFakt API, list row. */
  readonly mailing_street: string | null;
  /** City of the mailing address. Source: inFakt API, list row. */
  readonly mailing_city: string | null;
  /** Postal code of the mailing address exactly as entered. Source: inFakt API, list row. */
  readonly mailing_postal_code: string | null;
  /** Days a new invoice of this client gives for payment. Source: inFakt API, list row. */
  readonly days_to_payment: number | null;
  /** Payment method of a new invoice of this client; the values of an invoice's payment_method. Source: inFakt API, list row. */
  readonly payment_method: string | null;
  /** Whether the mailing address is the client's own address. Source: inFakt API, list row. */
  readonly same_forward_address: boolean | null;
  /** Whether debt collection may be started against the client. Derived by inFakt and never the reason for a change record. Source: inFakt API, list row since 2025. */
  readonly is_vindicable: boolean | null;
  /** Number of invoices that debt collection may be started for. Derived by inFakt and never the reason for a change record. Source: inFakt API, list row since 2025. */
  readonly vindicable_invoices_count: number | null;
  /** Fields of the client that this schema does not know yet, null and empty ones left out: JSON text of one object with sorted keys; null when there are none. Source: inFakt API, list row. */
  readonly extra: string | null;
  /** Fingerprint of the row that this record was made of, as in the header: 16 hexadecimal digits, what the sums of <prefix>.sweeps add up; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint: string | null;
  /** Names how the fingerprint was computed, for comparing with a record of <prefix>.sweeps: fingerprints under different definitions cannot be compared; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint_definition: number | null;
}

/** Key of a record about one client. */
export interface ClientKey {
  /** The legal entity that the client belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The client's integer id in inFakt, unique within the entity. Source: inFakt API, list row. */
  readonly id: number;
}

/** A corrective invoice of one legal entity as inFakt shows it now. Totals are the difference that the correction makes. Where the API says null, an empty text or nothing at all, the record says null. */
export interface CorrectiveInvoice {
  /** The legal entity that the correction belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The correction's integer id in inFakt, unique among the entity's corrections. Source: inFakt API, list row. */
  readonly id: number;
  /** When the row was read that this record was made of. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly observed_at: number;
  /** UUID of the correction; what the API addresses it by. Sometimes missing on a new one. Source: inFakt API, list row. */
  readonly uuid: string | null;
  /** Integer id of the document that this one is linked to. Source: inFakt API, list row since 2025. */
  readonly parent_id: number | null;
  /** Number of the document; may be missing on drafts. Source: inFakt API, list row. */
  readonly number: string | null;
  /** Kind of document: correction; an open list. Source: inFakt API, list row. */
  readonly kind: string | null;
  /** State of the document: draft, sent, printed or paid; an open list. Source: inFakt API, list row. */
  readonly status: string | null;
  /** Currency of every amount of the document, ISO 4217. Source: inFakt API, list row. */
  readonly currency: string | null;
  /** How it is to be paid: transfer, cash, card and others; an open list. Source: inFakt API, list row. */
  readonly payment_method: string | null;
  /** Date of issue. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly invoice_date: number | null;
  /** Date of sale. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly sale_date: number | null;
  /** Date the payment is due. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly payment_date: number | null;
  /** Date the correction was paid or refunded; null until then. It may lie before the date of issue. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly paid_date: number | null;
  /** What the correction adds to the net total of the invoice; negative where it lowers it. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly net_price: number | null;
  /** What the correction adds to the VAT total of the invoice; negative where it lowers it. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly tax_price: number | null;
  /** What the correction adds to the gross total of the invoice; negative where it lowers it. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly gross_price: number | null;
  /** Amount paid; inFakt does not always set it when a correction is marked as paid, so judge payment by status and paid_date. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly paid_price: number | null;
  /** Amount left to pay, negative where the seller owes it; inFakt does not always clear it when a correction is marked as paid. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly left_to_pay: number | null;
  /** Notes printed on the correction. Source: inFakt API, list row. */
  readonly notes: string | null;
  /** Whether the split payment mechanism applies. Source: inFakt API, list row. */
  readonly split_payment: boolean | null;
  /** How the split payment mechanism applies: required or optional; an open list. Source: inFakt API, list row. */
  readonly split_payment_type: string | null;
  /** Name of the person entitled to receive the correction. Source: inFakt API, list row. */
  readonly recipient_signature: string | null;
  /** Name of the person entitled to issue the correction. Source: inFakt API, list row. */
  readonly seller_signature: string | null;
  /** Which date decides the VAT period: issue_date, sale_date or paid_date; an open list. Source: inFakt API, list row since 2025. */
  readonly vat_date_value: string | null;
  /** What sale_date stands for: sale_date, service_date, cargo_date or continuous_service_end_on; an open list. Source: inFakt API, list row. */
  readonly invoice_date_kind: string | null;
  /** First day of a continuous service. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly continuous_service_start_on: number | null;
  /** Last day of a continuous service. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly continuous_service_end_on: number | null;
  /** Whether it is an occasional sale. Source: inFakt API, list row since 2025. */
  readonly occasional_sale: boolean | null;
  /** Whether the document is left out of income. Source: inFakt API, list row. */
  readonly not_income: boolean | null;
  /** Whether it is a building service. Source: inFakt API, list row since 2025. */
  readonly building_service: boolean | null;
  /** Integer id of the client; the client may have been changed or deleted since. Source: inFakt API, list row. */
  readonly client_id: number | null;
  /** UUID of the client. Source: inFakt API, list row since 2025. */
  readonly client_uuid: string | null;
  /** Buyer's company name when the correction was saved; null for private persons. Source: inFakt API, list row. */
  readonly client_company_name: string | null;
  /** Buyer's first name when the correction was saved. Source: inFakt API, list row. */
  readonly client_first_name: string | null;
  /** Buyer's last name when the correction was saved. Source: inFakt API, list row. */
  readonly client_last_name: string | null;
  /** What kind of party it is: private_person, self_employed or other_business; an open list. Source: inFakt API, list row. */
  readonly client_business_activity_kind: string | null;
  /** Street of the buyer's address when the correction was saved. Source: inFakt API, list row. */
  readonly client_street: string | null;
  /** Number of the buyer's building when the correction was saved. Source: inFakt API, list row. */
  readonly client_street_number: string | null;
  /** Number of the buyer's flat when the correction was saved. Source: inFakt API, list row. */
  readonly client_flat_number: string | null;
  /** City of the buyer's address when the correction was saved. Source: inFakt API, list row. */
  readonly client_city: string | null;
  /** Postal code of the buyer's address exactly as entered. Source: inFakt API, list row. */
  readonly client_post_code: string | null;
  /** Buyer's tax number exactly as entered: may hold a country prefix, dashes or spaces. Source: inFakt API, list row. */
  readonly client_tax_code: string | null;
  /** Country of the buyer's address, ISO 3166-1 alpha-2. Source: inFakt API, list row. */
  readonly client_country: string | null;
  /** Number of the seller's bank account exactly as entered. Source: inFakt API, list row. */
  readonly bank_account: string | null;
  /** Name of the seller's bank. Source: inFakt API, list row. */
  readonly bank_name: string | null;
  /** SWIFT code of the seller's bank. Source: inFakt API, list row. */
  readonly swift: string | null;
  /** Reference id of the reason for a VAT exemption. Source: inFakt API, list row. */
  readonly vat_exemption_reason: number | null;
  /** What is sold: service or merchandise; an open list. Source: inFakt API, list row. */
  readonly sale_type: string | null;
  /** Kind of sale for the books, e.g. sprzedaz_podstawowa; an open list. Source: inFakt API, list row since 2025. */
  readonly sales_kind: string | null;
  /** Reference ids of the document's markings for the VAT register, as texts. Source: inFakt API, list row. */
  readonly document_markings_ids: readonly string[] | null;
  /** Reference id of the kind of transaction. Source: inFakt API, list row. */
  readonly transaction_kind_id: number | null;
  /** Seller's number in the waste register (BDO) exactly as entered. Source: inFakt API, list row. */
  readonly bdo_code: string | null;
  /** Number of the receipt that the correction was issued for. Source: inFakt API, list row. */
  readonly receipt_number: string | null;
  /** Which tax decides the date of the exchange rate: vat or pit. inFakt changes it without an edit, so on documents in PLN it is never the reason for a change record. Source: inFakt API, list row. */
  readonly vat_exchange_date_kind: string | null;
  /** Gross total in Polish words. Source: inFakt API, list row since 2025. */
  readonly amount_in_words: string | null;
  /** When the correction was created. Milliseconds since 1970-01-01T00:00:00Z. Source: inFakt API, list row where it is shown. */
  readonly created_at: number | null;
  /** Integer id of the bank reconciliation. Source: inFakt API, list row since 2025. */
  readonly reconciliation_id: number | null;
  /** Number that the national e-invoice system (KSeF) gave the correction. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly ksef_number: string | null;
  /** Whether inFakt was asked to look for another document of the same number. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly check_duplicate_number: boolean | null;
  /** Number of the invoice that is corrected, as entered: it need not be the number of an invoice in inFakt. Source: inFakt API, list row. */
  readonly corrected_invoice_number: string | null;
  /** Date of issue of the invoice that is corrected. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly corrected_invoice_date: number | null;
  /** UUID of the invoice that is corrected. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly corrected_invoice_uuid: string | null;
  /** Gross total of the invoice that is corrected. Minor units (1/100) of the document's currency. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly corrected_invoice_gross_price: number | null;
  /** Whether the buyer confirmed that the correction was received. Source: inFakt API, list row. */
  readonly confirmation: boolean | null;
  /** Date on which the buyer confirmed it. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly confirmation_date: number | null;
  /** Why the invoice is corrected: a label in Polish; an open list. Source: inFakt API, list row. */
  readonly correction_reason: string | null;
  /** Why the invoice is corrected, as a symbol; an open list. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly correction_reason_symbol: string | null;
  /** Date of sale before the correction. Days since 1970-01-01. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly sale_date_before_correction: number | null;
  /** First day of a continuous service before the correction. Days since 1970-01-01. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly continuous_service_start_on_before_correction: number | null;
  /** Last day of a continuous service before the correction. Days since 1970-01-01. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly continuous_service_end_on_before_correction: number | null;
  /** Whether inFakt checks if the correction must be made. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly check_correction_obligation: boolean | null;
  /** The lines of the correction in pairs, before and after it, in the document's order. Source: inFakt API, list row. */
  readonly services: readonly CorrectiveLine[] | null;
  /** Array of the third parties of the correction and their roles. JSON text with sorted keys. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly third_party_addresses: string | null;
  /** Object with the contracts and orders that the correction refers to. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly transaction_terms: string | null;
  /** Array of documents related to the correction. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly related_documents: string | null;
  /** Object with the address of a local government unit that receives the correction. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly local_government_recipient_address: string | null;
  /** Object with the address of a local government unit that sells. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly local_government_seller_address: string | null;
  /** Object with the state of the correction in the national e-invoice system (KSeF). JSON text with sorted keys. Always null for now, as lists do not show it. Source: inFakt API, detail only. */
  readonly ksef_data: string | null;
  /** Fields of the correction that this schema does not know yet, null and empty ones left out: JSON text of one object with sorted keys; null when there are none. Source: inFakt API, list row. */
  readonly extra: string | null;
  /** Fingerprint of the row that this record was made of, as in the header: 16 hexadecimal digits, what the sums of <prefix>.sweeps add up; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint: string | null;
  /** Names how the fingerprint was computed, for comparing with a record of <prefix>.sweeps: fingerprints under different definitions cannot be compared; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint_definition: number | null;
}

/** One line of a corrective invoice, in the document's order: as it was before the correction, or as it is after it. */
export interface CorrectiveLine {
  /** Integer id of the line. An edit of any line deletes and recreates all of them, so on documents in PLN it is never the reason for a change record. Source: inFakt API, list row. */
  readonly id: number | null;
  /** Integer id of a related line. Source: inFakt API, list row since 2025. */
  readonly related_id: number | null;
  /** What was sold. Source: inFakt API, list row. */
  readonly name: string | null;
  /** VAT rate symbol, e.g. 23, 8, 5, 0, zw, np; an open list. Source: inFakt API, list row. */
  readonly tax_symbol: string | null;
  /** Unit of the quantity. Source: inFakt API, list row. */
  readonly unit: string | null;
  /** How much was sold, in the line's unit; may be fractional. Plain decimal notation without exponent or trailing zeros. Source: inFakt API, list row. */
  readonly quantity: string | null;
  /** Net price of one unit, after the discount. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly unit_net_price: number | null;
  /** Net value of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly net_price: number | null;
  /** Gross value of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly gross_price: number | null;
  /** VAT of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly tax_price: number | null;
  /** Classification symbols, composed by inFakt; deprecated there in favour of pkwiu, cn and pkob. Source: inFakt API, list row. */
  readonly symbol: string | null;
  /** Symbol in the Polish classification of goods and services. Source: inFakt API, list row. */
  readonly pkwiu: string | null;
  /** Symbol in the Combined Nomenclature. Source: inFakt API, list row. */
  readonly cn: string | null;
  /** Symbol in the Polish classification of buildings. Source: inFakt API, list row. */
  readonly pkob: string | null;
  /** Symbol of the flat rate tax. Source: inFakt API, list row since 2025. */
  readonly flat_rate_tax_symbol: string | null;
  /** Discount in per cent, the text that the API sends, e.g. 0.0. Source: inFakt API, list row. */
  readonly discount: string | null;
  /** Net price of one unit, before the discount. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly unit_net_price_before_discount: number | null;
  /** Reference id of the line's GTU group. Source: inFakt API, list row. */
  readonly gtu_id: number | null;
  /** Global trade item number exactly as entered. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly gtin: string | null;
  /** Which date decides the VAT period of the line: issue_date, sale_date or paid_date; an open list. Source: inFakt API, list row before 2025. */
  readonly vat_date_value: string | null;
  /** Whether the line is an occasional sale. Source: inFakt API, list row before 2025. */
  readonly occasional_sale: boolean | null;
  /** Number that the two lines of a pair have in common. Source: inFakt API, list row. */
  readonly group: number | null;
  /** False in the line as it was before the correction, true in the line as it is after it. Source: inFakt API, list row. */
  readonly correction: boolean | null;
  /** Fields of the line that this schema does not know yet, null and empty ones left out: JSON text of one object with sorted keys; null when there are none. Source: inFakt API, list row. */
  readonly extra: string | null;
}

/** Key of a record about one corrective invoice. */
export interface CorrectiveInvoiceKey {
  /** The legal entity that the correction belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The correction's integer id in inFakt, unique among the entity's corrections. Source: inFakt API, list row. */
  readonly id: number;
}

/** One line of a corrective invoice as inFakt shows it now, published with its document in one transaction: what was corrected or what it became, as its group and correction say. Where the API says null, an empty text or nothing at all, the record says null. */
export interface CorrectiveInvoiceLine {
  /** The legal entity that the corrective invoice belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The corrective invoice's integer id in inFakt, unique within the entity. Source: inFakt API, list row. */
  readonly invoice_id: number;
  /** Number of the line in the document's order, from 1. Source: infakt-kafka. */
  readonly line_no: number;
  /** When the corrective invoice was read that this record was made of. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly observed_at: number;
  /** Integer id of the line. An edit of any line deletes and recreates all of them, so it is never the reason for a change record. Source: inFakt API, list row. */
  readonly id: number | null;
  /** Integer id of a related line. Source: inFakt API, list row since 2025. */
  readonly related_id: number | null;
  /** What was sold. Source: inFakt API, list row. */
  readonly name: string | null;
  /** VAT rate symbol, e.g. 23, 8, 5, 0, zw, np; an open list. Source: inFakt API, list row. */
  readonly tax_symbol: string | null;
  /** Unit of the quantity. Source: inFakt API, list row. */
  readonly unit: string | null;
  /** How much was sold, in the line's unit; may be fractional. Plain decimal notation without exponent or trailing zeros. Source: inFakt API, list row. */
  readonly quantity: string | null;
  /** Net price of one unit, after the discount. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly unit_net_price: number | null;
  /** Net value of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly net_price: number | null;
  /** Gross value of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly gross_price: number | null;
  /** VAT of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly tax_price: number | null;
  /** Classification symbols, composed by inFakt; deprecated there in favour of pkwiu, cn and pkob. Source: inFakt API, list row. */
  readonly symbol: string | null;
  /** Symbol in the Polish classification of goods and services. Source: inFakt API, list row. */
  readonly pkwiu: string | null;
  /** Symbol in the Combined Nomenclature. Source: inFakt API, list row. */
  readonly cn: string | null;
  /** Symbol in the Polish classification of buildings. Source: inFakt API, list row. */
  readonly pkob: string | null;
  /** Symbol of the flat rate tax. Source: inFakt API, list row since 2025. */
  readonly flat_rate_tax_symbol: string | null;
  /** Discount in per cent, the text that the API sends, e.g. 0.0. Source: inFakt API, list row. */
  readonly discount: string | null;
  /** Net price of one unit, before the discount. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly unit_net_price_before_discount: number | null;
  /** Reference id of the line's GTU group. Source: inFakt API, list row. */
  readonly gtu_id: number | null;
  /** Global trade item number exactly as entered. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly gtin: string | null;
  /** Which date decides the VAT period of the line: issue_date, sale_date or paid_date; an open list. Source: inFakt API, list row before 2025. */
  readonly vat_date_value: string | null;
  /** Whether the line is an occasional sale. Source: inFakt API, list row before 2025. */
  readonly occasional_sale: boolean | null;
  /** Number that the two lines of a pair have in common. Source: inFakt API, list row. */
  readonly group: number | null;
  /** False in the line as it was before the correction, true in the line as it is after it. Source: inFakt API, list row. */
  readonly correction: boolean | null;
  /** Fields of the line that this schema does not know yet, null and empty ones left out: JSON text of one object with sorted keys; null when there are none. Source: inFakt API, list row. */
  readonly extra: string | null;
  /** Fingerprint of the corrective invoice that the line is of, as in the header: 16 hexadecimal digits, the same as in the document's record; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint: string | null;
  /** Names how the fingerprint was computed: fingerprints under different definitions cannot be compared; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint_definition: number | null;
}

/** Key of a record about one line of a corrective invoice. */
export interface CorrectiveInvoiceLineKey {
  /** The legal entity that the corrective invoice belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The corrective invoice's integer id in inFakt, unique within the entity. Source: inFakt API, list row. */
  readonly invoice_id: number;
  /** Number of the line in the document's order, from 1. Source: infakt-kafka. */
  readonly line_no: number;
}

/** A correction of an OSS invoice of one legal entity as inFakt shows it now. Where the API says null, an empty text or nothing at all, the record says null. */
export interface CorrectiveOssInvoice {
  /** The legal entity that the corrective OSS invoice belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The corrective OSS invoice's integer id in inFakt, unique among the entity's corrective OSS invoices. Source: inFakt API, list row. */
  readonly id: number;
  /** When the row was read that this record was made of. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly observed_at: number;
  /** UUID of the corrective OSS invoice; what the API addresses it by. Source: inFakt API, list row. */
  readonly uuid: string | null;
  /** Number of the document, as entered: any text. Source: inFakt API, list row. */
  readonly number: string | null;
  /** Country of the buyer, whose VAT is charged: ISO 3166-1 alpha-2. Source: inFakt API, list row. */
  readonly country: string | null;
  /** E-mail address of the buyer. Source: inFakt API, list row. */
  readonly client_email: string | null;
  /** Name of the buyer. Source: inFakt API, list row. */
  readonly client_name: string | null;
  /** First name of the buyer. Source: inFakt API, list row. */
  readonly client_first_name: string | null;
  /** Last name of the buyer. Source: inFakt API, list row. */
  readonly client_last_name: string | null;
  /** Street of the buyer. Source: inFakt API, list row. */
  readonly client_street: string | null;
  /** Number of the house of the buyer. Source: inFakt API, list row. */
  readonly client_street_number: string | null;
  /** Number of the flat of the buyer. Source: inFakt API, list row. */
  readonly client_flat_number: string | null;
  /** Postal code of the buyer. Source: inFakt API, list row. */
  readonly client_post_code: string | null;
  /** City of the buyer. Source: inFakt API, list row. */
  readonly client_city: string | null;
  /** Date of the service or delivery. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly service_date: number | null;
  /** Date of issue. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly issue_date: number | null;
  /** Date by which the document is to be paid. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly payment_date: number | null;
  /** Kind of service: electronic, broadcasting or telecommunications; an open list. Source: inFakt API, list row. */
  readonly service_type: string | null;
  /** How the place of the service was determined. Source: inFakt API, list row. */
  readonly service_place_primary: string | null;
  /** How else the place of the service was determined. Source: inFakt API, list row. */
  readonly service_place_secondary: string | null;
  /** Currency of every amount of the document, ISO 4217. Source: inFakt API, list row. */
  readonly currency: string | null;
  /** Name of whoever issued the document. Source: inFakt API, list row. */
  readonly seller_signature: string | null;
  /** Name of whoever receives the document. Source: inFakt API, list row. */
  readonly recipient_signature: string | null;
  /** Notes printed on the document. Source: inFakt API, list row. */
  readonly comments: string | null;
  /** Net total of the correction; whether it is a difference, inFakt does not say. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly net_price: number | null;
  /** VAT total of the correction; whether it is a difference, inFakt does not say; it is VAT of the buyer's country. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly tax_price: number | null;
  /** Gross total of the correction; whether it is a difference, inFakt does not say. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly gross_price: number | null;
  /** What was paid in advance. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly advance_price: number | null;
  /** Kind of sale: service or merchandise; an open list. Source: inFakt API, list row. */
  readonly sale_type: string | null;
  /** Number of the OSS invoice that is corrected, as entered. Source: inFakt API, list row. */
  readonly corrected_invoice_number: string | null;
  /** Date of issue of the OSS invoice that is corrected. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly corrected_invoice_date: number | null;
  /** Why the OSS invoice is corrected: a label in Polish; an open list. Source: inFakt API, list row. */
  readonly correction_reason: string | null;
  /** Notes, as they are called where a document is written. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly notes: string | null;
  /** Whether inFakt was asked to look for another document of the same number. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly check_duplicate_number: boolean | null;
  /** Lines of the corrective OSS invoice, each of them as it was before and as it is after. Source: inFakt API, list row. */
  readonly services: readonly CorrectiveOssLine[] | null;
  /** Fields of the corrective OSS invoice that this schema does not know yet, null and empty ones left out: JSON text of one object with sorted keys; null when there are none. Source: inFakt API, list row. */
  readonly extra: string | null;
  /** Fingerprint of the row that this record was made of, as in the header: 16 hexadecimal digits, what the sums of <prefix>.sweeps add up; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint: string | null;
  /** Names how the fingerprint was computed, for comparing with a record of <prefix>.sweeps: fingerprints under different definitions cannot be compared; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint_definition: number | null;
}

/** One line of a corrective OSS invoice, in the document's order. */
export interface CorrectiveOssLine {
  /** Integer id of the line. Source: inFakt API, list row. */
  readonly id: number | null;
  /** What was sold. Source: inFakt API, list row. */
  readonly name: string | null;
  /** Unit of the quantity; a digit in some examples. Source: inFakt API, list row. */
  readonly unit: string | null;
  /** How much was sold, in the line's unit; may be fractional. Plain decimal notation without exponent or trailing zeros. Source: inFakt API, list row. */
  readonly quantity: string | null;
  /** Rate of VAT of the country of the buyer, in per cent. Plain decimal notation without exponent or trailing zeros. Source: inFakt API, list row. */
  readonly tax_rate: string | null;
  /** Net price of one unit. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly unit_net_price: number | null;
  /** Net value of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly net_price: number | null;
  /** VAT of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly tax_price: number | null;
  /** Gross value of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly gross_price: number | null;
  /** Costs that change the value of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly additional_price: number | null;
  /** Symbol of the flat rate tax. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly flat_rate_tax_symbol: string | null;
  /** Number that the two lines of a pair have in common. Source: inFakt API, list row. */
  readonly group: number | null;
  /** False in the line as it was before the correction, true in the line as it is after it. Source: inFakt API, list row. */
  readonly correction: boolean | null;
  /** Fields of the line that this schema does not know yet, null and empty ones left out: JSON text of one object with sorted keys; null when there are none. Source: inFakt API, list row. */
  readonly extra: string | null;
}

/** Key of a record about one corrective OSS invoice. */
export interface CorrectiveOssInvoiceKey {
  /** The legal entity that the corrective OSS invoice belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The corrective OSS invoice's integer id in inFakt, unique among the entity's corrective OSS invoices. Source: inFakt API, list row. */
  readonly id: number;
}

/** One entry of a dictionary of inFakt as it is now, with the code that stands for the ids in documents. Where the API says null, an empty text or nothing at all, the record says null. */
export interface DictionaryEntry {
  /** The legal entity whose key the dictionary was read with: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The dictionary: gtus, documents_markings, vat_rates or vat_exemptions. Source: infakt-kafka. */
  readonly kind: string;
  /** The entry's integer id in inFakt, unique within the entity and the dictionary: what documents hold, such as gtu_id of a line. Source: inFakt API, list row. */
  readonly id: number;
  /** When the entry was read that this record was made of. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly observed_at: number;
  /** What a JPK writes for the id, byte for byte as inFakt shows it: name of a GTU code, code of a marking, symbol of a VAT rate; null of an exemption. Source: inFakt API, list row. */
  readonly code: string | null;
  /** Name of the entry: GTU_01 of a GTU code, 23% of a VAT rate. Source: inFakt API, list row. */
  readonly name: string | null;
  /** Symbol of a VAT rate, byte for byte: the tax_symbol of lines, such as 23, 8, zw or np. Source: inFakt API, list row. */
  readonly symbol: string | null;
  /** Name of a GTU code or marking in words. Source: inFakt API, list row. */
  readonly short_description: string | null;
  /** Description of the entry in words. Source: inFakt API, list row. */
  readonly description: string | null;
  /** Percentage of a VAT rate, byte for byte as inFakt shows it, such as 23.0. Source: inFakt API, list row. */
  readonly rate: string | null;
  /** First day on which a VAT rate applies. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly valid_from: number | null;
  /** Last day on which a VAT rate applies; null = it still does. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly valid_until: number | null;
  /** Article of the law that exempts from VAT. Source: inFakt API, list row. */
  readonly legal_basis_rule: string | null;
  /** Law that exempts from VAT. Source: inFakt API, list row. */
  readonly legal_basis_source: string | null;
  /** Fields of the entry that this schema does not know yet, null and empty ones left out: JSON text of one object with sorted keys; null when there are none. Source: inFakt API, list row. */
  readonly extra: string | null;
  /** Fingerprint of the entry that this record was made of, as in the header: 16 hexadecimal digits. Source: infakt-kafka. */
  readonly fingerprint: string | null;
  /** Names how the fingerprint was computed: fingerprints under different definitions cannot be compared. Source: infakt-kafka. */
  readonly fingerprint_definition: number | null;
}

/** Key of an entry of a dictionary. */
export interface DictionaryEntryKey {
  /** The legal entity whose key the dictionary was read with: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The dictionary: gtus, documents_markings, vat_rates or vat_exemptions. Source: infakt-kafka. */
  readonly kind: string;
  /** The entry's integer id in inFakt, unique within the entity and the dictionary: what documents hold, such as gtu_id of a line. Source: inFakt API, list row. */
  readonly id: number;
}

/** A legal entity, which is one account of inFakt: written when the account is identified, and again when its tax id or name has changed. An entity whose key may not read its account has no record. */
export interface Entity {
  /** The legal entity: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** When the account was identified. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly observed_at: number;
  /** Tax id (NIP) of the account, its digits alone; null = the account shows none. Source: inFakt API, account details. */
  readonly tax_id: string | null;
  /** Name of the account's company; null = the account shows none. Source: inFakt API, account details. */
  readonly name: string | null;
}

/** Key of a record about a legal entity. */
export interface EntityKey {
  /** The legal entity: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
}

/** A final invoice of one legal entity, which settles advances, as inFakt shows it now. Where the API says null, an empty text or nothing at all, the record says null. */
export interface FinalInvoice {
  /** The legal entity that the final invoice belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The final invoice's integer id in inFakt, unique among the entity's final invoices. Source: inFakt API, list row. */
  readonly id: number;
  /** When the row was read that this record was made of. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly observed_at: number;
  /** UUID of the final invoice; what the API addresses it by. Source: inFakt API, list row. */
  readonly uuid: string | null;
  /** Integer id of the document that this one is linked to. Source: inFakt API, list row since 2025. */
  readonly parent_id: number | null;
  /** Number of the document; may be missing on drafts. Source: inFakt API, list row. */
  readonly number: string | null;
  /** Kind of document: final; an open list. Source: inFakt API, list row. */
  readonly kind: string | null;
  /** State of the document: draft, sent, printed or paid; an open list. Source: inFakt API, list row. */
  readonly status: string | null;
  /** Currency of every amount of the document, ISO 4217. Source: inFakt API, list row. */
  readonly currency: string | null;
  /** How it is to be paid: transfer, cash, card and others; an open list. Source: inFakt API, list row. */
  readonly payment_method: string | null;
  /** Date of issue. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly invoice_date: number | null;
  /** Date of sale. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly sale_date: number | null;
  /** Date the payment is due. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly payment_date: number | null;
  /** Date the final invoice was paid; null while it is unpaid. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly paid_date: number | null;
  /** Net total of the document. The API's documents do not say whether the advances are in it. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly net_price: number | null;
  /** VAT total of the document. The API's documents do not say whether the advances are in it. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly tax_price: number | null;
  /** Gross total of the document. The API's documents do not say whether the advances are in it. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly gross_price: number | null;
  /** Amount paid; inFakt does not always set it when a final invoice is marked as paid, so judge payment by status and paid_date. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly paid_price: number | null;
  /** Amount left to pay; inFakt does not always clear it when a final invoice is marked as paid. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly left_to_pay: number | null;
  /** Notes printed on the final invoice. Source: inFakt API, list row. */
  readonly notes: string | null;
  /** Whether the split payment mechanism applies. Source: inFakt API, list row. */
  readonly split_payment: boolean | null;
  /** How the split payment mechanism applies: required or optional; an open list. Source: inFakt API, list row. */
  readonly split_payment_type: string | null;
  /** Name of the person entitled to receive the final invoice. Source: inFakt API, list row. */
  readonly recipient_signature: string | null;
  /** Name of the person entitled to issue the final invoice. Source: inFakt API, list row. */
  readonly seller_signature: string | null;
  /** Which date decides the VAT period: issue_date, sale_date or paid_date; an open list. Source: inFakt API, list row since 2025. */
  readonly vat_date_value: string | null;
  /** What sale_date stands for: sale_date, service_date, cargo_date or continuous_service_end_on; an open list. Source: inFakt API, list row. */
  readonly invoice_date_kind: string | null;
  /** First day of a continuous service. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly continuous_service_start_on: number | null;
  /** Last day of a continuous service. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly continuous_service_end_on: number | null;
  /** Whether it is an occasional sale. Source: inFakt API, list row since 2025. */
  readonly occasional_sale: boolean | null;
  /** Whether the document is left out of income. Source: inFakt API, list row. */
  readonly not_income: boolean | null;
  /** Whether it is a building service. Source: inFakt API, list row since 2025. */
  readonly building_service: boolean | null;
  /** Integer id of the client; the client may have been changed or deleted since. Source: inFakt API, list row. */
  readonly client_id: number | null;
  /** UUID of the client. Source: inFakt API, list row since 2025. */
  readonly client_uuid: string | null;
  /** Buyer's company name when the final invoice was saved; null for private persons. Source: inFakt API, list row. */
  readonly client_company_name: string | null;
  /** Buyer's first name when the final invoice was saved. Source: inFakt API, list row. */
  readonly client_first_name: string | null;
  /** Buyer's last name when the final invoice was saved. Source: inFakt API, list row. */
  readonly client_last_name: string | null;
  /** What kind of party it is: private_person, self_employed or other_business; an open list. Source: inFakt API, list row. */
  readonly client_business_activity_kind: string | null;
  /** Street of the buyer's address when the final invoice was saved. Source: inFakt API, list row. */
  readonly client_street: string | null;
  /** Number of the buyer's building when the final invoice was saved. Source: inFakt API, list row. */
  readonly client_street_number: string | null;
  /** Number of the buyer's flat when the final invoice was saved. Source: inFakt API, list row. */
  readonly client_flat_number: string | null;
  /** City of the buyer's address when the final invoice was saved. Source: inFakt API, list row. */
  readonly client_city: string | null;
  /** Postal code of the buyer's address exactly as entered. Source: inFakt API, list row. */
  readonly client_post_code: string | null;
  /** Buyer's tax number exactly as entered: may hold a country prefix, dashes or spaces. Source: inFakt API, list row. */
  readonly client_tax_code: string | null;
  /** Country of the buyer's address, ISO 3166-1 alpha-2. Source: inFakt API, list row. */
  readonly client_country: string | null;
  /** Number of the seller's bank account exactly as entered. Source: inFakt API, list row. */
  readonly bank_account: string | null;
  /** Name of the seller's bank. Source: inFakt API, list row. */
  readonly bank_name: string | null;
  /** SWIFT code of the seller's bank. Source: inFakt API, list row. */
  readonly swift: string | null;
  /** Reference id of the reason for a VAT exemption. Source: inFakt API, list row. */
  readonly vat_exemption_reason: number | null;
  /** What is sold: service or merchandise; an open list. Source: inFakt API, list row. */
  readonly sale_type: string | null;
  /** Kind of sale for the books, e.g. sprzedaz_podstawowa; an open list. Source: inFakt API, list row since 2025. */
  readonly sales_kind: string | null;
  /** Reference ids of the document's markings for the VAT register, as texts. Source: inFakt API, list row. */
  readonly document_markings_ids: readonly string[] | null;
  /** Reference id of the kind of transaction. Source: inFakt API, list row. */
  readonly transaction_kind_id: number | null;
  /** Seller's number in the waste register (BDO) exactly as entered. Source: inFakt API, list row. */
  readonly bdo_code: string | null;
  /** Number of the receipt that the final invoice was issued for. Source: inFakt API, list row. */
  readonly receipt_number: string | null;
  /** Which tax decides the date of the exchange rate: vat or pit. inFakt changes it without an edit, so on documents in PLN it is never the reason for a change record. Source: inFakt API, list row. */
  readonly vat_exchange_date_kind: string | null;
  /** Gross total in Polish words. Source: inFakt API, list row since 2025. */
  readonly amount_in_words: string | null;
  /** When the final invoice was created. Milliseconds since 1970-01-01T00:00:00Z. Source: inFakt API, list row since 2025. */
  readonly created_at: number | null;
  /** Integer id of the bank reconciliation. Source: inFakt API, list row since 2025. */
  readonly reconciliation_id: number | null;
  /** Integer id of the last advance invoice that this one settles. Source: inFakt API, list row. */
  readonly previous_advance_id: number | null;
  /** Array of the advance invoices that this one settles: their id, uuid, number, invoice_date and advance_price (minor units). JSON text with sorted keys. Source: inFakt API, list row. */
  readonly previous_advances: string | null;
  /** Object about the exchange rates of the document. JSON text with sorted keys. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly exchange_rates_data: string | null;
  /** Integer id of the bank account. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly bank_id: number | null;
  /** Days that the client has to pay. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly client_days_to_payment: number | null;
  /** Notes about the client. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly client_notes: string | null;
  /** Number that the national e-invoice system (KSeF) gave the final invoice. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly ksef_number: string | null;
  /** Whether inFakt was asked to look for another document of the same number. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly check_duplicate_number: boolean | null;
  /** The lines of the final invoice, in the document's order. Source: inFakt API, list row. */
  readonly services: readonly FinalLine[] | null;
  /** Array of the third parties of the final invoice and their roles. JSON text with sorted keys. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly third_party_addresses: string | null;
  /** Object with the contracts and orders that the final invoice refers to. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly transaction_terms: string | null;
  /** Array of documents related to the final invoice. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly related_documents: string | null;
  /** Object with the address of a local government unit that receives the final invoice. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly local_government_recipient_address: string | null;
  /** Object with the address of a local government unit that sells. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly local_government_seller_address: string | null;
  /** Object with links for online payment and sharing. inFakt changes it without an edit, so on documents in PLN it is never the reason for a change record. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly extensions: string | null;
  /** Object with the state of the final invoice in the national e-invoice system (KSeF). JSON text with sorted keys. Always null for now, as lists do not show it. Source: inFakt API, detail only. */
  readonly ksef_data: string | null;
  /** Fields of the final invoice that this schema does not know yet, null and empty ones left out: JSON text of one object with sorted keys; null when there are none. Source: inFakt API, list row. */
  readonly extra: string | null;
  /** Fingerprint of the row that this record was made of, as in the header: 16 hexadecimal digits, what the sums of <prefix>.sweeps add up; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint: string | null;
  /** Names how the fingerprint was computed, for comparing with a record of <prefix>.sweeps: fingerprints under different definitions cannot be compared; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint_definition: number | null;
}

/** One line of a final invoice, in the document's order. */
export interface FinalLine {
  /** Integer id of the line. An edit of any line deletes and recreates all of them, so on documents in PLN it is never the reason for a change record. Source: inFakt API, list row. */
  readonly id: number | null;
  /** Integer id of a related line. Source: inFakt API, list row since 2025. */
  readonly related_id: number | null;
  /** What was sold. Source: inFakt API, list row. */
  readonly name: string | null;
  /** VAT rate symbol, e.g. 23, 8, 5, 0, zw, np; an open list. Source: inFakt API, list row. */
  readonly tax_symbol: string | null;
  /** Unit of the quantity. Source: inFakt API, list row. */
  readonly unit: string | null;
  /** How much was sold, in the line's unit; may be fractional. Plain decimal notation without exponent or trailing zeros. Source: inFakt API, list row. */
  readonly quantity: string | null;
  /** Net price of one unit, after the discount. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly unit_net_price: number | null;
  /** Net value of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly net_price: number | null;
  /** Gross value of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly gross_price: number | null;
  /** VAT of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly tax_price: number | null;
  /** Classification symbols, composed by inFakt; deprecated there in favour of pkwiu, cn and pkob. Source: inFakt API, list row. */
  readonly symbol: string | null;
  /** Symbol in the Polish classification of goods and services. Source: inFakt API, list row. */
  readonly pkwiu: string | null;
  /** Symbol in the Combined Nomenclature. Source: inFakt API, list row. */
  readonly cn: string | null;
  /** Symbol in the Polish classification of buildings. Source: inFakt API, list row. */
  readonly pkob: string | null;
  /** Symbol of the flat rate tax. Source: inFakt API, list row since 2025. */
  readonly flat_rate_tax_symbol: string | null;
  /** Discount in per cent, the text that the API sends, e.g. 0.0. Source: inFakt API, list row. */
  readonly discount: string | null;
  /** Net price of one unit, before the discount. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly unit_net_price_before_discount: number | null;
  /** Reference id of the line's GTU group. Source: inFakt API, list row. */
  readonly gtu_id: number | null;
  /** Global trade item number exactly as entered. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly gtin: string | null;
  /** Which date decides the VAT period of the line: issue_date, sale_date or paid_date; an open list. Source: inFakt API, list row before 2025. */
  readonly vat_date_value: string | null;
  /** Whether the line is an occasional sale. Source: inFakt API, list row before 2025. */
  readonly occasional_sale: boolean | null;
  /** Fields of the line that this schema does not know yet, null and empty ones left out: JSON text of one object with sorted keys; null when there are none. Source: inFakt API, list row. */
  readonly extra: string | null;
}

/** Key of a record about one final invoice. */
export interface FinalInvoiceKey {
  /** The legal entity that the final invoice belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The final invoice's integer id in inFakt, unique among the entity's final invoices. Source: inFakt API, list row. */
  readonly id: number;
}

/** An invoice of one legal entity as inFakt shows it now. Where the API says null, an empty text or nothing at all, the record says null. */
export interface Invoice {
  /** The legal entity that the invoice belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The invoice's integer id in inFakt, unique within the entity. Source: inFakt API, list row. */
  readonly id: number;
  /** When the row was read that this record was made of. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly observed_at: number;
  /** UUID of the invoice; what the API addresses it by. Source: inFakt API, list row. */
  readonly uuid: string | null;
  /** Integer id of the document that this one is linked to. Source: inFakt API, list row since 2025. */
  readonly parent_id: number | null;
  /** Number of the document; may be missing on drafts. Source: inFakt API, list row. */
  readonly number: string | null;
  /** Kind of document: vat or proforma; an open list. Source: inFakt API, list row. */
  readonly kind: string | null;
  /** State of the document: draft, sent, printed or paid; an open list. Source: inFakt API, list row. */
  readonly status: string | null;
  /** Currency of every amount of the document, ISO 4217. Source: inFakt API, list row. */
  readonly currency: string | null;
  /** How it is to be paid: transfer, cash, card and others; an open list. Source: inFakt API, list row. */
  readonly payment_method: string | null;
  /** Date of issue. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly invoice_date: number | null;
  /** Date of sale. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly sale_date: number | null;
  /** Date the payment is due. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly payment_date: number | null;
  /** Date the invoice was paid; null while it is unpaid. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly paid_date: number | null;
  /** Net total. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly net_price: number | null;
  /** VAT total. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly tax_price: number | null;
  /** Gross total. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly gross_price: number | null;
  /** Amount paid; inFakt does not always set it when an invoice is marked as paid, so judge payment by status and paid_date. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly paid_price: number | null;
  /** Amount left to pay; inFakt does not always clear it when an invoice is marked as paid. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly left_to_pay: number | null;
  /** Notes printed on the invoice. Source: inFakt API, list row. */
  readonly notes: string | null;
  /** Whether the split payment mechanism applies. Source: inFakt API, list row. */
  readonly split_payment: boolean | null;
  /** How the split payment mechanism applies: required or optional; an open list. Source: inFakt API, list row. */
  readonly split_payment_type: string | null;
  /** Name of the person entitled to receive the invoice. Source: inFakt API, list row. */
  readonly recipient_signature: string | null;
  /** Name of the person entitled to issue the invoice. Source: inFakt API, list row. */
  readonly seller_signature: string | null;
  /** Which date decides the VAT period: issue_date, sale_date or paid_date; an open list. Source: inFakt API, list row since 2025. */
  readonly vat_date_value: string | null;
  /** What sale_date stands for: sale_date, service_date, cargo_date or continuous_service_end_on; an open list. Source: inFakt API, list row. */
  readonly invoice_date_kind: string | null;
  /** First day of a continuous service. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly continuous_service_start_on: number | null;
  /** Last day of a continuous service. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly continuous_service_end_on: number | null;
  /** Whether it is an occasional sale. Source: inFakt API, list row since 2025. */
  readonly occasional_sale: boolean | null;
  /** Whether the document is left out of income. Source: inFakt API, list row. */
  readonly not_income: boolean | null;
  /** Whether it is a building service. Source: inFakt API, list row since 2025. */
  readonly building_service: boolean | null;
  /** Integer id of the client; the client may have been changed or deleted since. Source: inFakt API, list row. */
  readonly client_id: number | null;
  /** UUID of the client. Source: inFakt API, list row since 2025. */
  readonly client_uuid: string | null;
  /** Buyer's company name when the invoice was saved; null for private persons. Source: inFakt API, list row. */
  readonly client_company_name: string | null;
  /** Buyer's first name when the invoice was saved. Source: inFakt API, list row. */
  readonly client_first_name: string | null;
  /** Buyer's last name when the invoice was saved. Source: inFakt API, list row. */
  readonly client_last_name: string | null;
  /** What kind of party it is: private_person, self_employed or other_business; an open list. Source: inFakt API, list row. */
  readonly client_business_activity_kind: string | null;
  /** Street of the buyer's address when the invoice was saved. Source: inFakt API, list row. */
  readonly client_street: string | null;
  /** Number of the buyer's building when the invoice was saved. Source: inFakt API, list row. */
  readonly client_street_number: string | null;
  /** Number of the buyer's flat when the invoice was saved. Source: inFakt API, list row. */
  readonly client_flat_number: string | null;
  /** City of the buyer's address when the invoice was saved. Source: inFakt API, list row. */
  readonly client_city: string | null;
  /** Postal code of the buyer's address exactly as entered. Source: inFakt API, list row. */
  readonly client_post_code: string | null;
  /** Buyer's tax number exactly as entered: may hold a country prefix, dashes or spaces. Source: inFakt API, list row. */
  readonly client_tax_code: string | null;
  /** Country of the buyer's address, ISO 3166-1 alpha-2. Source: inFakt API, list row. */
  readonly client_country: string | null;
  /** Number of the seller's bank account exactly as entered. Source: inFakt API, list row. */
  readonly bank_account: string | null;
  /** Name of the seller's bank. Source: inFakt API, list row. */
  readonly bank_name: string | null;
  /** SWIFT code of the seller's bank. Source: inFakt API, list row. */
  readonly swift: string | null;
  /** Reference id of the reason for a VAT exemption. Source: inFakt API, list row. */
  readonly vat_exemption_reason: number | null;
  /** What is sold: service or merchandise; an open list. Source: inFakt API, list row. */
  readonly sale_type: string | null;
  /** Kind of sale for the books, e.g. sprzedaz_podstawowa; an open list. Source: inFakt API, list row since 2025. */
  readonly sales_kind: string | null;
  /** Reference ids of the document's markings for the VAT register, as texts. Source: inFakt API, list row. */
  readonly document_markings_ids: readonly string[] | null;
  /** Reference id of the kind of transaction. Source: inFakt API, list row. */
  readonly transaction_kind_id: number | null;
  /** Seller's number in the waste register (BDO) exactly as entered. Source: inFakt API, list row. */
  readonly bdo_code: string | null;
  /** Number of the receipt that the invoice was issued for. Source: inFakt API, list row. */
  readonly receipt_number: string | null;
  /** Which tax decides the date of the exchange rate: vat or pit. inFakt changes it without an edit, so on documents in PLN it is never the reason for a change record. Source: inFakt API, list row. */
  readonly vat_exchange_date_kind: string | null;
  /** Gross total in Polish words. Source: inFakt API, list row since 2025. */
  readonly amount_in_words: string | null;
  /** When the invoice was created. Milliseconds since 1970-01-01T00:00:00Z. Source: inFakt API, list row since 2025. */
  readonly created_at: number | null;
  /** Integer id of the bank reconciliation. Source: inFakt API, list row since 2025. */
  readonly reconciliation_id: number | null;
  /** Number that the national e-invoice system (KSeF) gave the invoice. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly ksef_number: string | null;
  /** Whether inFakt was asked to look for another document of the same number. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly check_duplicate_number: boolean | null;
  /** The lines of the invoice, in the document's order. Source: inFakt API, list row. */
  readonly services: readonly Line[] | null;
  /** Array of the third parties of the invoice and their roles. JSON text with sorted keys. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly third_party_addresses: string | null;
  /** Object with the contracts and orders that the invoice refers to. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly transaction_terms: string | null;
  /** Array of documents related to the invoice. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly related_documents: string | null;
  /** Object with the address of a local government unit that receives the invoice. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly local_government_recipient_address: string | null;
  /** Object with the address of a local government unit that sells. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly local_government_seller_address: string | null;
  /** Object with links for online payment and sharing. inFakt changes it without an edit, so on documents in PLN it is never the reason for a change record. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly extensions: string | null;
  /** Object with the state of the invoice in the national e-invoice system (KSeF). JSON text with sorted keys. Always null for now, as lists do not show it. Source: inFakt API, detail only. */
  readonly ksef_data: string | null;
  /** Fields of the invoice that this schema does not know yet, null and empty ones left out: JSON text of one object with sorted keys; null when there are none. Source: inFakt API, list row. */
  readonly extra: string | null;
  /** Fingerprint of the row that this record was made of, as in the header: 16 hexadecimal digits, what the sums of <prefix>.sweeps add up; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint: string | null;
  /** Names how the fingerprint was computed, for comparing with a record of <prefix>.sweeps: fingerprints under different definitions cannot be compared; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint_definition: number | null;
}

/** One line of an invoice, in the document's order. */
export interface Line {
  /** Integer id of the line. An edit of any line deletes and recreates all of them, so on documents in PLN it is never the reason for a change record. Source: inFakt API, list row. */
  readonly id: number | null;
  /** Integer id of a related line. Source: inFakt API, list row since 2025. */
  readonly related_id: number | null;
  /** What was sold. Source: inFakt API, list row. */
  readonly name: string | null;
  /** VAT rate symbol, e.g. 23, 8, 5, 0, zw, np; an open list. Source: inFakt API, list row. */
  readonly tax_symbol: string | null;
  /** Unit of the quantity. Source: inFakt API, list row. */
  readonly unit: string | null;
  /** How much was sold, in the line's unit; may be fractional. Plain decimal notation without exponent or trailing zeros. Source: inFakt API, list row. */
  readonly quantity: string | null;
  /** Net price of one unit, after the discount. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly unit_net_price: number | null;
  /** Net value of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly net_price: number | null;
  /** Gross value of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly gross_price: number | null;
  /** VAT of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly tax_price: number | null;
  /** Classification symbols, composed by inFakt; deprecated there in favour of pkwiu, cn and pkob. Source: inFakt API, list row. */
  readonly symbol: string | null;
  /** Symbol in the Polish classification of goods and services. Source: inFakt API, list row. */
  readonly pkwiu: string | null;
  /** Symbol in the Combined Nomenclature. Source: inFakt API, list row. */
  readonly cn: string | null;
  /** Symbol in the Polish classification of buildings. Source: inFakt API, list row. */
  readonly pkob: string | null;
  /** Symbol of the flat rate tax. Source: inFakt API, list row since 2025. */
  readonly flat_rate_tax_symbol: string | null;
  /** Discount in per cent, the text that the API sends, e.g. 0.0. Source: inFakt API, list row. */
  readonly discount: string | null;
  /** Net price of one unit, before the discount. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly unit_net_price_before_discount: number | null;
  /** Reference id of the line's GTU group. Source: inFakt API, list row. */
  readonly gtu_id: number | null;
  /** Global trade item number exactly as entered. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly gtin: string | null;
  /** Which date decides the VAT period of the line: issue_date, sale_date or paid_date; an open list. Source: inFakt API, list row before 2025. */
  readonly vat_date_value: string | null;
  /** Whether the line is an occasional sale. Source: inFakt API, list row before 2025. */
  readonly occasional_sale: boolean | null;
  /** Fields of the line that this schema does not know yet, null and empty ones left out: JSON text of one object with sorted keys; null when there are none. Source: inFakt API, list row. */
  readonly extra: string | null;
}

/** Key of a record about one invoice. */
export interface InvoiceKey {
  /** The legal entity that the invoice belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The invoice's integer id in inFakt, unique within the entity. Source: inFakt API, list row. */
  readonly id: number;
}

/** One line of an invoice as inFakt shows it now, published with its invoice in one transaction. Where the API says null, an empty text or nothing at all, the record says null. */
export interface InvoiceLine {
  /** The legal entity that the invoice belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The invoice's integer id in inFakt, unique within the entity. Source: inFakt API, list row. */
  readonly invoice_id: number;
  /** Number of the line in the document's order, from 1. Source: infakt-kafka. */
  readonly line_no: number;
  /** When the invoice was read that this record was made of. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly observed_at: number;
  /** Integer id of the line. An edit of any line deletes and recreates all of them, so it is never the reason for a change record. Source: inFakt API, list row. */
  readonly id: number | null;
  /** Integer id of a related line. Source: inFakt API, list row since 2025. */
  readonly related_id: number | null;
  /** What was sold. Source: inFakt API, list row. */
  readonly name: string | null;
  /** VAT rate symbol, e.g. 23, 8, 5, 0, zw, np; an open list. Source: inFakt API, list row. */
  readonly tax_symbol: string | null;
  /** Unit of the quantity. Source: inFakt API, list row. */
  readonly unit: string | null;
  /** How much was sold, in the line's unit; may be fractional. Plain decimal notation without exponent or trailing zeros. Source: inFakt API, list row. */
  readonly quantity: string | null;
  /** Net price of one unit, after the discount. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly unit_net_price: number | null;
  /** Net value of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly net_price: number | null;
  /** Gross value of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly gross_price: number | null;
  /** VAT of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly tax_price: number | null;
  /** Classification symbols, composed by inFakt; deprecated there in favour of pkwiu, cn and pkob. Source: inFakt API, list row. */
  readonly symbol: string | null;
  /** Symbol in the Polish classification of goods and services. Source: inFakt API, list row. */
  readonly pkwiu: string | null;
  /** Symbol in the Combined Nomenclature. Source: inFakt API, list row. */
  readonly cn: string | null;
  /** Symbol in the Polish classification of buildings. Source: inFakt API, list row. */
  readonly pkob: string | null;
  /** Symbol of the flat rate tax. Source: inFakt API, list row since 2025. */
  readonly flat_rate_tax_symbol: string | null;
  /** Discount in per cent, the text that the API sends, e.g. 0.0. Source: inFakt API, list row. */
  readonly discount: string | null;
  /** Net price of one unit, before the discount. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly unit_net_price_before_discount: number | null;
  /** Reference id of the line's GTU group. Source: inFakt API, list row. */
  readonly gtu_id: number | null;
  /** Global trade item number exactly as entered. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly gtin: string | null;
  /** Which date decides the VAT period of the line: issue_date, sale_date or paid_date; an open list. Source: inFakt API, list row before 2025. */
  readonly vat_date_value: string | null;
  /** Whether the line is an occasional sale. Source: inFakt API, list row before 2025. */
  readonly occasional_sale: boolean | null;
  /** Fields of the line that this schema does not know yet, null and empty ones left out: JSON text of one object with sorted keys; null when there are none. Source: inFakt API, list row. */
  readonly extra: string | null;
  /** Fingerprint of the invoice that the line is of, as in the header: 16 hexadecimal digits, the same as in the document's record; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint: string | null;
  /** Names how the fingerprint was computed: fingerprints under different definitions cannot be compared; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint_definition: number | null;
}

/** Key of a record about one line of an invoice. */
export interface InvoiceLineKey {
  /** The legal entity that the invoice belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The invoice's integer id in inFakt, unique within the entity. Source: inFakt API, list row. */
  readonly invoice_id: number;
  /** Number of the line in the document's order, from 1. Source: infakt-kafka. */
  readonly line_no: number;
}

/** What KSeF says of one document of a legal entity, as inFakt shows it where that document alone is asked for. A record whose fields of KSeF are all null says that the document was read and has no data of KSeF. */
export interface Ksef {
  /** The legal entity that the document belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The stream of the document: the name of its topic without the prefix. Source: infakt-kafka. */
  readonly stream: string;
  /** The document's integer id in inFakt, unique within the entity and the stream. Source: inFakt API, detail only. */
  readonly id: number;
  /** When the document was read that this record was made of. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly observed_at: number;
  /** UUID of the document. Source: inFakt API, detail only. */
  readonly uuid: string | null;
  /** Number of the document, as its issuer gave it. Source: inFakt API, detail only. */
  readonly number: string | null;
  /** Number that KSeF gave the document, byte for byte: 35 or 36 characters were seen; null = it has none yet. Source: inFakt API, detail only. */
  readonly ksef_number: string | null;
  /** Status of the sending: pending, sent, success, error and rejected are known, and any other is kept as it is. Source: inFakt API, detail only. */
  readonly status: string | null;
  /** The status in words, such as why KSeF rejected the document. Source: inFakt API, detail only. */
  readonly status_description: string | null;
  /** UUID of the request by which inFakt sent the document. Source: inFakt API, detail only. */
  readonly request_uuid: string | null;
  /** When inFakt sent the document. Milliseconds since 1970-01-01T00:00:00Z. Source: inFakt API, detail only. */
  readonly requested_at: number | null;
  /** When the sending ended. Milliseconds since 1970-01-01T00:00:00Z. Source: inFakt API, detail only. */
  readonly finished_at: number | null;
  /** UUID of the document as the sending names it, where it does. Source: inFakt API, detail only. */
  readonly invoice_uuid: string | null;
  /** Kind of the document as the sending names it, where it does. Source: inFakt API, detail only. */
  readonly invoice_kind: string | null;
  /** What the state was read from: detail = the document's own address, list = a list of documents. Source: infakt-kafka. */
  readonly read_from: string | null;
  /** What the data of KSeF holds that this schema does not know yet, null and empty fields left out: JSON text of one object with sorted keys; null when there is none. Source: inFakt API, detail only. */
  readonly extra: string | null;
  /** Fingerprint of what this record says of KSeF, as in the header: 16 hexadecimal digits. Source: infakt-kafka. */
  readonly fingerprint: string | null;
  /** Names how the fingerprint was computed: fingerprints under different definitions cannot be compared. Source: infakt-kafka. */
  readonly fingerprint_definition: number | null;
}

/** Key of a record about one document in KSeF. */
export interface KsefKey {
  /** The legal entity that the document belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The stream of the document: the name of its topic without the prefix. Source: infakt-kafka. */
  readonly stream: string;
  /** The document's integer id in inFakt, unique within the entity and the stream. Source: inFakt API, detail only. */
  readonly id: number;
}

/** An invoice of one legal entity under a margin procedure as inFakt shows it now: it has no net and no VAT total of its own. Where the API says null, an empty text or nothing at all, the record says null. */
export interface MarginInvoice {
  /** The legal entity that the margin invoice belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The margin invoice's integer id in inFakt, unique among the entity's margin invoices. Source: inFakt API, list row. */
  readonly id: number;
  /** When the row was read that this record was made of. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly observed_at: number;
  /** UUID of the margin invoice; what the API addresses it by. Source: inFakt API, list row. */
  readonly uuid: string | null;
  /** Integer id of the document that this one is linked to. Source: inFakt API, list row since 2025. */
  readonly parent_id: number | null;
  /** Number of the document; may be missing on drafts. Source: inFakt API, list row. */
  readonly number: string | null;
  /** Kind of document: margin; an open list. Source: inFakt API, list row. */
  readonly kind: string | null;
  /** State of the document: draft, sent, printed or paid; an open list. Source: inFakt API, list row. */
  readonly status: string | null;
  /** Currency of every amount of the document, ISO 4217. Source: inFakt API, list row. */
  readonly currency: string | null;
  /** How it is to be paid: transfer, cash, card and others; an open list. Source: inFakt API, list row. */
  readonly payment_method: string | null;
  /** Procedure of the margin as inFakt words it in Polish. Source: inFakt API, list row. */
  readonly margin_kind: string | null;
  /** Symbol of that procedure: second_hand_goods, travel_agencies, works_of_art or collectables_and_antiques; an open list. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly margin_kind_symbol: string | null;
  /** Reference id of that procedure. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly margin_kind_id: number | null;
  /** Date of issue. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly invoice_date: number | null;
  /** Date of sale. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly sale_date: number | null;
  /** Date the payment is due. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly payment_date: number | null;
  /** Date the margin invoice was paid; null while it is unpaid. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly paid_date: number | null;
  /** Gross total of the document, its margin included. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly gross_price: number | null;
  /** Margin of the document. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly margin_amount_price: number | null;
  /** Amount paid; inFakt does not always set it when a margin invoice is marked as paid, so judge payment by status and paid_date. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly paid_price: number | null;
  /** Amount left to pay; inFakt does not always clear it when a margin invoice is marked as paid. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly left_to_pay: number | null;
  /** Notes printed on the margin invoice. Source: inFakt API, list row. */
  readonly notes: string | null;
  /** Name of the person entitled to receive the margin invoice. Source: inFakt API, list row. */
  readonly recipient_signature: string | null;
  /** Name of the person entitled to issue the margin invoice. Source: inFakt API, list row. */
  readonly seller_signature: string | null;
  /** Which date decides the VAT period: issue_date, sale_date or paid_date; an open list. Source: inFakt API, list row since 2025. */
  readonly vat_date_value: string | null;
  /** Whether it is an occasional sale. Source: inFakt API, list row since 2025. */
  readonly occasional_sale: boolean | null;
  /** Whether it is a building service. Source: inFakt API, list row since 2025. */
  readonly building_service: boolean | null;
  /** Integer id of the client; the client may have been changed or deleted since. Source: inFakt API, list row. */
  readonly client_id: number | null;
  /** UUID of the client. Source: inFakt API, list row since 2025. */
  readonly client_uuid: string | null;
  /** Buyer's company name when the margin invoice was saved; null for private persons. Source: inFakt API, list row. */
  readonly client_company_name: string | null;
  /** Buyer's first name when the margin invoice was saved. Source: inFakt API, list row. */
  readonly client_first_name: string | null;
  /** Buyer's last name when the margin invoice was saved. Source: inFakt API, list row. */
  readonly client_last_name: string | null;
  /** What kind of party it is: private_person, self_employed or other_business; an open list. Source: inFakt API, list row. */
  readonly client_business_activity_kind: string | null;
  /** Street of the buyer's address when the margin invoice was saved. Source: inFakt API, list row. */
  readonly client_street: string | null;
  /** Number of the buyer's building when the margin invoice was saved. Source: inFakt API, list row. */
  readonly client_street_number: string | null;
  /** Number of the buyer's flat when the margin invoice was saved. Source: inFakt API, list row. */
  readonly client_flat_number: string | null;
  /** City of the buyer's address when the margin invoice was saved. Source: inFakt API, list row. */
  readonly client_city: string | null;
  /** Postal code of the buyer's address exactly as entered. Source: inFakt API, list row. */
  readonly client_post_code: string | null;
  /** Buyer's tax number exactly as entered: may hold a country prefix, dashes or spaces. Source: inFakt API, list row. */
  readonly client_tax_code: string | null;
  /** Country of the buyer's address, ISO 3166-1 alpha-2. Source: inFakt API, list row. */
  readonly client_country: string | null;
  /** Number of the seller's bank account exactly as entered. Source: inFakt API, list row. */
  readonly bank_account: string | null;
  /** Name of the seller's bank. Source: inFakt API, list row. */
  readonly bank_name: string | null;
  /** SWIFT code of the seller's bank. Source: inFakt API, list row. */
  readonly swift: string | null;
  /** Kind of sale for the books, e.g. sprzedaz_podstawowa; an open list. Source: inFakt API, list row since 2025. */
  readonly sales_kind: string | null;
  /** Reference ids of the document's markings for the VAT register, as texts. Source: inFakt API, list row. */
  readonly document_markings_ids: readonly string[] | null;
  /** Seller's number in the waste register (BDO) exactly as entered. Source: inFakt API, list row. */
  readonly bdo_code: string | null;
  /** Which tax decides the date of the exchange rate: vat or pit. inFakt changes it without an edit, so on documents in PLN it is never the reason for a change record. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly vat_exchange_date_kind: string | null;
  /** Gross total in Polish words. Source: inFakt API, list row since 2025. */
  readonly amount_in_words: string | null;
  /** When the margin invoice was created. Milliseconds since 1970-01-01T00:00:00Z. Source: inFakt API, list row since 2025. */
  readonly created_at: number | null;
  /** Integer id of the bank reconciliation. Source: inFakt API, list row since 2025. */
  readonly reconciliation_id: number | null;
  /** Number that the national e-invoice system (KSeF) gave the margin invoice. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly ksef_number: string | null;
  /** Whether inFakt was asked to look for another document of the same number. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly check_duplicate_number: boolean | null;
  /** The lines of the margin invoice, in the document's order. Source: inFakt API, list row. */
  readonly services: readonly MarginLine[] | null;
  /** Array of the third parties of the margin invoice and their roles. JSON text with sorted keys. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly third_party_addresses: string | null;
  /** Object with the contracts and orders that the margin invoice refers to. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly transaction_terms: string | null;
  /** Array of documents related to the margin invoice. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly related_documents: string | null;
  /** Object with the address of a local government unit that receives the margin invoice. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly local_government_recipient_address: string | null;
  /** Object with the address of a local government unit that sells. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly local_government_seller_address: string | null;
  /** Object with links for online payment and sharing. inFakt changes it without an edit, so on documents in PLN it is never the reason for a change record. JSON text with sorted keys. Source: inFakt API, detail only. */
  readonly extensions: string | null;
  /** Object with the state of the margin invoice in the national e-invoice system (KSeF). JSON text with sorted keys. Always null for now, as lists do not show it. Source: inFakt API, detail only. */
  readonly ksef_data: string | null;
  /** Fields of the margin invoice that this schema does not know yet, null and empty ones left out: JSON text of one object with sorted keys; null when there are none. Source: inFakt API, list row. */
  readonly extra: string | null;
  /** Fingerprint of the row that this record was made of, as in the header: 16 hexadecimal digits, what the sums of <prefix>.sweeps add up; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint: string | null;
  /** Names how the fingerprint was computed, for comparing with a record of <prefix>.sweeps: fingerprints under different definitions cannot be compared; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint_definition: number | null;
}

/** One line of a margin invoice, in the document's order. */
export interface MarginLine {
  /** Integer id of the line. An edit of any line deletes and recreates all of them, so on documents in PLN it is never the reason for a change record. Source: inFakt API, list row. */
  readonly id: number | null;
  /** What was sold. Source: inFakt API, list row. */
  readonly name: string | null;
  /** Unit of the quantity. Source: inFakt API, list row. */
  readonly unit: string | null;
  /** How much was sold, in the line's unit; may be fractional. Plain decimal notation without exponent or trailing zeros. Source: inFakt API, list row. */
  readonly quantity: string | null;
  /** Gross value of the line, its margin included. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly gross_with_margin_amount_price: number | null;
  /** Margin of the line. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly margin_amount_price: number | null;
  /** Reference id of the line's GTU group. Source: inFakt API, list row. */
  readonly gtu_id: number | null;
  /** Fields of the line that this schema does not know yet, null and empty ones left out: JSON text of one object with sorted keys; null when there are none. Source: inFakt API, list row. */
  readonly extra: string | null;
}

/** Key of a record about one margin invoice. */
export interface MarginInvoiceKey {
  /** The legal entity that the margin invoice belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The margin invoice's integer id in inFakt, unique among the entity's margin invoices. Source: inFakt API, list row. */
  readonly id: number;
}

/** An invoice for a buyer in another country of the EU whose VAT is paid through the One Stop Shop (OSS) of one legal entity as inFakt shows it now. Where the API says null, an empty text or nothing at all, the record says null. */
export interface OssInvoice {
  /** The legal entity that the OSS invoice belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The OSS invoice's integer id in inFakt, unique among the entity's OSS invoices; what the API addresses it by. Source: inFakt API, list row. */
  readonly id: number;
  /** When the row was read that this record was made of. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly observed_at: number;
  /** UUID of the OSS invoice; list rows were seen without it. Source: inFakt API, list row. */
  readonly uuid: string | null;
  /** Number of the document, as entered: any text. Source: inFakt API, list row. */
  readonly number: string | null;
  /** Country of the buyer, whose VAT is charged: ISO 3166-1 alpha-2. Source: inFakt API, list row. */
  readonly country: string | null;
  /** E-mail address of the buyer. Source: inFakt API, list row. */
  readonly client_email: string | null;
  /** Name of the buyer. Source: inFakt API, list row. */
  readonly client_name: string | null;
  /** First name of the buyer. Source: inFakt API, list row. */
  readonly client_first_name: string | null;
  /** Last name of the buyer. Source: inFakt API, list row. */
  readonly client_last_name: string | null;
  /** Street of the buyer. Source: inFakt API, list row. */
  readonly client_street: string | null;
  /** Number of the house of the buyer. Source: inFakt API, list row. */
  readonly client_street_number: string | null;
  /** Number of the flat of the buyer. Source: inFakt API, list row. */
  readonly client_flat_number: string | null;
  /** Postal code of the buyer. Source: inFakt API, list row. */
  readonly client_post_code: string | null;
  /** City of the buyer. Source: inFakt API, list row. */
  readonly client_city: string | null;
  /** Date of the service or delivery. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly service_date: number | null;
  /** Date of issue. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly issue_date: number | null;
  /** Date by which the document is to be paid. Days since 1970-01-01. Source: inFakt API, list row. */
  readonly payment_date: number | null;
  /** Kind of service: electronic, broadcasting or telecommunications; an open list. Source: inFakt API, list row. */
  readonly service_type: string | null;
  /** How the place of the service was determined. Source: inFakt API, list row. */
  readonly service_place_primary: string | null;
  /** How else the place of the service was determined. Source: inFakt API, list row. */
  readonly service_place_secondary: string | null;
  /** Currency of every amount of the document, ISO 4217. Source: inFakt API, list row. */
  readonly currency: string | null;
  /** Name of whoever issued the document. Source: inFakt API, list row. */
  readonly seller_signature: string | null;
  /** Name of whoever receives the document. Source: inFakt API, list row. */
  readonly recipient_signature: string | null;
  /** Notes printed on the document. Source: inFakt API, list row. */
  readonly comments: string | null;
  /** Net total of the document. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly net_price: number | null;
  /** VAT total of the document; it is VAT of the buyer's country. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly tax_price: number | null;
  /** Gross total of the document. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly gross_price: number | null;
  /** What was paid in advance. Minor units (1/100) of the document's currency. Source: inFakt API, list row. */
  readonly advance_price: number | null;
  /** Kind of sale: service or merchandise; an open list. Source: inFakt API, list row. */
  readonly sale_type: string | null;
  /** Notes, as they are called where a document is written. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly notes: string | null;
  /** Whether inFakt was asked to look for another document of the same number. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly check_duplicate_number: boolean | null;
  /** Lines of the OSS invoice. Always null for now, as lists do not show them. Source: inFakt API, detail only. */
  readonly services: readonly OssLine[] | null;
  /** Fields of the OSS invoice that this schema does not know yet, null and empty ones left out: JSON text of one object with sorted keys; null when there are none. Source: inFakt API, list row. */
  readonly extra: string | null;
  /** Fingerprint of the row that this record was made of, as in the header: 16 hexadecimal digits, what the sums of <prefix>.sweeps add up; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint: string | null;
  /** Names how the fingerprint was computed, for comparing with a record of <prefix>.sweeps: fingerprints under different definitions cannot be compared; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint_definition: number | null;
}

/** One line of an OSS invoice, in the document's order. */
export interface OssLine {
  /** Integer id of the line. Source: inFakt API, detail only. */
  readonly id: number | null;
  /** What was sold. Source: inFakt API, detail only. */
  readonly name: string | null;
  /** Unit of the quantity; a digit in some examples. Source: inFakt API, detail only. */
  readonly unit: string | null;
  /** How much was sold, in the line's unit; may be fractional. Plain decimal notation without exponent or trailing zeros. Source: inFakt API, detail only. */
  readonly quantity: string | null;
  /** Rate of VAT of the country of the buyer, in per cent. Plain decimal notation without exponent or trailing zeros. Source: inFakt API, detail only. */
  readonly tax_rate: string | null;
  /** Net price of one unit. Minor units (1/100) of the document's currency. Source: inFakt API, detail only. */
  readonly unit_net_price: number | null;
  /** Net value of the line. Minor units (1/100) of the document's currency. Source: inFakt API, detail only. */
  readonly net_price: number | null;
  /** VAT of the line. Minor units (1/100) of the document's currency. Source: inFakt API, detail only. */
  readonly tax_price: number | null;
  /** Gross value of the line. Minor units (1/100) of the document's currency. Source: inFakt API, detail only. */
  readonly gross_price: number | null;
  /** Costs that change the value of the line. Minor units (1/100) of the document's currency. Source: inFakt API, detail only. */
  readonly additional_price: number | null;
  /** Symbol of the flat rate tax. Source: inFakt API, documented in 2026, not known whether list rows have it. */
  readonly flat_rate_tax_symbol: string | null;
  /** Fields of the line that this schema does not know yet, null and empty ones left out: JSON text of one object with sorted keys; null when there are none. Source: inFakt API, detail only. */
  readonly extra: string | null;
}

/** Key of a record about one OSS invoice. */
export interface OssInvoiceKey {
  /** The legal entity that the OSS invoice belongs to: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The OSS invoice's integer id in inFakt, unique among the entity's OSS invoices. Source: inFakt API, list row. */
  readonly id: number;
}

/** Where a stream of a legal entity stands: written when its state changes, at each sweep, and once a minute during its first sweep. It is written beside the transactions of records, shortly after what it tells of. */
export interface Status {
  /** The legal entity: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The stream: clients, invoices, corrective-invoices. Source: infakt-kafka. */
  readonly stream: string;
  /** When the stream was found so. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly observed_at: number;
  /** Where it stands. starting: its shard was taken over; first-sweep: it is read for the first time; reading: it is read over and over; parked: it is not asked for until the next try; lost: its shard has lost Kafka, or has a fault of its own; stopped: the replica that read it has stopped; not-read: the replica that should read it has no file for the entity; unknown: a replica that has the file asks who reads it. Source: infakt-kafka. */
  readonly state: string;
  /** The most serious thing that is wrong with it: a fixed word such as unauthorized, held or stale; null = nothing is. Source: infakt-kafka. */
  readonly reason: string | null;
  /** What a person is to do about that, in one sentence; null = nothing. Source: infakt-kafka. */
  readonly to_do: string | null;
  /** Whatever else is wrong with it: words as in reason, with commas between; null = nothing else. Source: infakt-kafka. */
  readonly also: string | null;
  /** Since when it has been so: the reason, where there is one, else the state. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly since: number;
  /** When a parked stream is tried again; null = it is not parked. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly until: number | null;
  /** When the last finished sweep began; null = none has finished, or it was another process that read it. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly sweep_began: number | null;
  /** When the last finished sweep ended; null as sweep_began. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly sweep_ended: number | null;
  /** Rows that the last finished sweep read; null as sweep_began. Source: infakt-kafka. */
  readonly sweep_rows: number | null;
  /** Whether no row of the last finished sweep is held, pending, dead-lettered or unreadable; null as sweep_began. Source: infakt-kafka. */
  readonly sweep_complete: boolean | null;
  /** When the last complete sweep ended, which is how fresh the stream is; null = there was none. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly complete_at: number | null;
  /** Seconds after complete_at, or after since where there was no complete sweep, from which on the stream counts as stale; null = not known yet. Source: infakt-kafka. */
  readonly stale_after: number | null;
  /** Rows that the first sweep has read so far; null = the first sweep is over, or has not begun. Source: infakt-kafka. */
  readonly walk_rows: number | null;
  /** Rows that the list had when the first sweep asked last; null as walk_rows. Source: infakt-kafka. */
  readonly walk_total: number | null;
  /** When the newest rows were looked at last, as of this record; null = not yet by this process. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly newest_at: number | null;
  /** The replica that reads the stream: its host and process. Source: infakt-kafka. */
  readonly owner: string;
  /** The version of infakt-kafka that the owner runs. Source: infakt-kafka. */
  readonly version: string;
  /** A digest of the entity files that the owner reads by: the same in all replicas that read the same of the same entities; null = told by an earlier version. Source: infakt-kafka. */
  readonly entity_set: string | null;
}

/** Key of a record about where a stream stands. */
export interface StatusKey {
  /** The legal entity: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The stream: clients, invoices, corrective-invoices. Source: infakt-kafka. */
  readonly stream: string;
}

/** One finished sweep: everything in scope of one stream of one legal entity was read, and every change that it found is published. */
export interface Sweep {
  /** The legal entity whose stream was read: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The stream that was read: the name of its topic without the prefix. Source: infakt-kafka. */
  readonly stream: string;
  /** When the last page of the sweep was compared with what is published. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly observed_at: number;
  /** Number of the sweep, from 1: sweeps of a stream of an entity are numbered without a gap. Source: infakt-kafka. */
  readonly number: number;
  /** First date in scope, inclusive; null = no lower bound. Days since 1970-01-01. Source: infakt-kafka. */
  readonly from: number | null;
  /** Last date in scope, inclusive; null = no upper bound. Days since 1970-01-01. Source: infakt-kafka. */
  readonly to: number | null;
  /** When the sweep began. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly started_at: number;
  /** When its last page was read. Milliseconds since 1970-01-01T00:00:00Z. Source: infakt-kafka. */
  readonly finished_at: number;
  /** Rows that the API showed in this sweep, those that became dead letters among them; not those without an id. Source: infakt-kafka. */
  readonly rows: number;
  /** Rows published by any scan since the end of the sweep before that had no record, those first read among them. Source: infakt-kafka. */
  readonly created: number;
  /** Changes published by any scan since the end of the sweep before. Source: infakt-kafka. */
  readonly updated: number;
  /** Tombstones published between the end of the sweep before and the end of this one. Source: infakt-kafka. */
  readonly deleted: number;
  /** Rows whose content was known when the sweep reached them. Source: infakt-kafka. */
  readonly unchanged: number;
  /** Rows sent to the dead-letter topic by any scan since the end of the sweep before. Source: infakt-kafka. */
  readonly dead_letters: number;
  /** Rows without an id that are known by now, at most 100; they are in no sum. Source: infakt-kafka. */
  readonly strays: number;
  /** How many rows the API said that there are, on the last page. Source: inFakt API, list. */
  readonly total_count: number | null;
  /** Sums by month of the document's date and currency, of all rows of the sweep; null for a stream without money. Source: infakt-kafka. */
  readonly sums: readonly SweepSum[] | null;
  /** Of the created, rows published as first read, as the stream had no finished sweep yet; null in records of earlier versions. Source: infakt-kafka. */
  readonly first_read: number | null;
  /** Rows published again with the content that was published before, as after a resync; null in records of earlier versions. Source: infakt-kafka. */
  readonly republished: number | null;
  /** Whether, as the sweep ended, no row of the stream was a dead letter, pending or unreadable and no deletions waited for a person, but for rows that the entity's file accepts; null in records of earlier versions. Source: infakt-kafka. */
  readonly complete: boolean | null;
  /** Rows of the stream that stand as dead letters; null in records of earlier versions. Source: infakt-kafka. */
  readonly dead_letters_standing: number | null;
  /** Rows that two sweeps missed and that are neither deleted nor found, as the sweep ended; null in records of earlier versions. Source: infakt-kafka. */
  readonly pending: number | null;
  /** Rows that could not be read at all; null in records of earlier versions. Source: infakt-kafka. */
  readonly unreadable: number | null;
  /** Dead letters, pending and unreadable rows that the entity's file accepts; null in records of earlier versions. Source: infakt-kafka. */
  readonly accepted: number | null;
  /** Id of the hold that the stream's deletions wait for; null = none. Source: infakt-kafka. */
  readonly hold: string | null;
  /** Keys of the stream's topic that have a record and no tombstone, as of the transaction with this record; rows that left the scope, are missing or became dead letters after their record count too; null in records of earlier versions. Source: infakt-kafka. */
  readonly living_count: number | null;
  /** Sum of the fingerprints in the newest records of these keys, modulo 2^64, 16 hexadecimal digits; null where some record is under another definition than fingerprint_definition or has no fingerprint, until a resync, and in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint_sum: string | null;
  /** Names how the fingerprints of the stream are computed now; null in records of earlier versions. Source: infakt-kafka. */
  readonly fingerprint_definition: number | null;
  /** The sums as JSON text of one array, for tables that hold no array of records; null as sums are, and in records of earlier versions. Source: infakt-kafka. */
  readonly sums_json: string | null;
}

/** What the documents of one month and currency came to, as the API showed them in the sweep. */
export interface SweepSum {
  /** Month of the document's date, YYYY-MM; null = the document has no date. Source: infakt-kafka. */
  readonly month: string | null;
  /** Currency of the documents, ISO 4217; null = the document has none. Source: inFakt API, list row. */
  readonly currency: string | null;
  /** Documents of that month and currency. Source: infakt-kafka. */
  readonly rows: number;
  /** Sum of their net totals; null = larger than can be told exactly. Minor units (1/100) of the currency. Source: infakt-kafka. */
  readonly net_price: number | null;
  /** Sum of their VAT totals; null = larger than can be told exactly. Minor units (1/100) of the currency. Source: infakt-kafka. */
  readonly tax_price: number | null;
  /** Sum of their gross totals; null = larger than can be told exactly. Minor units (1/100) of the currency. Source: infakt-kafka. */
  readonly gross_price: number | null;
}

/** Key of a record about a finished sweep. */
export interface SweepKey {
  /** The legal entity whose stream was read: the name of its configuration file. Source: infakt-kafka. */
  readonly entity: string;
  /** The stream that was read: the name of its topic without the prefix. Source: infakt-kafka. */
  readonly stream: string;
}
