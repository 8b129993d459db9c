"""CLAIM 2024: what a paper on artificial intelligence in medical imaging should tell."""

from __future__ import annotations

from napari_medclf.jobs.report.checklist import Item

SOURCE = (
    "Checklist for Artificial Intelligence in Medical Imaging, 2024 update (Tejani et al., Radiology: Artificial "
    "Intelligence 2024); items in short, in our words. The guideline itself counts."
)
ITEMS = (
    Item("1", "Title: a study of AI, and of which kind", "method"),
    Item("2", "Abstract: design, methods, results, conclusions"),
    Item("3", "Background, and the role the model is to play in care", "use"),
    Item("4", "Aims and hypotheses"),
    Item("5", "Prospective or retrospective", "design"),
    Item("6", "Goal of the study"),
    Item("7", "Where the data is from", "sources"),
    Item("8", "Who was included and excluded, and how", "left_out"),
    Item("9", "Preprocessing", "preprocessing"),
    Item("10", "Parts of the images or patients that were chosen"),
    Item("11", "How the data was de-identified"),
    Item("12", "How missing data was dealt with", "missing"),
    Item("13", "How the images were acquired", "acquisition"),
    Item("14", "How the reference standard was obtained"),
    Item("15", "Why this reference standard"),
    Item("16", "Who annotated, with which training"),
    Item("17", "How the test set was annotated"),
    Item("18", "Variation within and between annotators"),
    Item("19", "How data was assigned to the partitions", "partitions"),
    Item("20", "Level at which partitions are disjoint", "disjoint"),
    Item("21", "Sample size, and how it was chosen", "size"),
    Item("22", "The model: inputs, outputs, layers", "model"),
    Item("23", "Software and its versions", "software"),
    Item("24", "How parameters were initialised", "start"),
    Item("25", "Training: augmentation, hyperparameters, number of models", "training"),
    Item("26", "How the final model was chosen", "selection"),
    Item("27", "Ensembling", "ensemble"),
    Item("28", "Metrics", "metrics"),
    Item("29", "Measures of significance and uncertainty", "uncertainty"),
    Item("30", "Robustness and sensitivity analysis", "subgroups"),
    Item("31", "Explainability"),
    Item("32", "Evaluation on internal data", "internal"),
    Item("33", "Testing on external data"),
    Item("34", "Registration of a clinical trial"),
    Item("35", "Numbers of patients or examinations, included and excluded", "flow"),
    Item("36", "Demographic and clinical make-up of each partition", "make_up"),
    Item("37", "Performance, against the reference standard", "performance"),
    Item("38", "Diagnostic performance with its precision", "precision"),
    Item("39", "Analysis of failures", "failures"),
    Item("40", "Limitations", "limits"),
    Item("41", "What it means for practice", "use"),
    Item("42", "Where the full protocol is"),
    Item("43", "Availability of software, model and data", "availability"),
    Item("44", "Funding, and the role of funders"),
)
