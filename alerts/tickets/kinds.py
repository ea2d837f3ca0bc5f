"""The twelve kinds of ticket that the operator works with, their priorities and their states, as names in two languages."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """One kind of work: its code in configuration and store, its names on the pages."""

    code: str
    zh: str
    en: str


KINDS = (
    Kind("support", "支撑工单", "Support"),
    Kind("coordination", "业务协调工单", "Business coordination"),
    Kind("handling", "业务处理单", "Business handling"),
    Kind("fault", "故障工单", "Fault"),
    Kind("maintenance", "维护作业单", "Maintenance job"),
    Kind("office_data", "局数据工单", "Office data"),
    Kind("integrator_maintenance", "集成商维护工单", "Integrator maintenance"),
    Kind("integrator_development", "集成商开发工单", "Integrator development"),
    Kind("job_application", "作业申请单", "Job application"),
    Kind("branch_maintenance", "分公司维护申请单", "Branch maintenance application"),
    Kind("high_fee", "高额工单", "High fee"),
    Kind("business_flow", "业务流转工单", "Business flow"),
)
CODES = tuple(kind.code for kind in KINDS)
BY_CODE = {kind.code: kind for kind in KINDS}
PRIORITIES = ("high", "normal", "low")
STATES = ("open", "assigned", "resolved", "closed")
UNDER_WAY = ("open", "assigned")  # states in which somebody still has to do something
