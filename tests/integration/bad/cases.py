"""What is tried, and what must come of it: (what, arguments, exit status, regex on standard error).

Arguments are written as in a shell. Every case that must fail writes to old.h5 with --force, where something stands
that must not be touched. A case that must succeed names what it makes; `says` is then sought on standard output."""

from collections import namedtuple

Case = namedtuple("Case", "group what line status says makes")

OLD = " -o old.h5 --force"
RUN = "simulate --space space.toml --design design.csv -o old.h5 --force --threads 1 --command "


def cases():
    group = ""
    result = []

    def bad(what, line, says, status=2):
        result.append(Case(group, what, line, status, says, ()))

    def good(what, line, says="", *makes, status=0):
        result.append(Case(group, what, line, status, says, makes))

    group = "Flags"
    bad("no subcommand", "", r"subcommand is required")
    bad("unknown subcommand", "emulate", r"'emulate'")
    bad("unknown flag", "design --simulator branin -n 5 -o old.h5 --colour", r"--colour")
    bad("misspelt flag", "train sims.h5 -o old.h5 --regresor gp", r"--regresor|regresor")
    bad("missing required flag", "design --simulator branin -n 5", r"--output is required")
    bad("missing input", "train -o old.h5", r"archive is required")
    bad("flag without its value", "design --simulator branin -o old.h5 -n", r"-n")
    bad("one input too many", "info sims.h5 model.h5", r"model\.h5")
    bad("two sources of the space", "design --space space.toml --simulator branin -n 5" + OLD, r"either --simulator")
    bad("no source of the space", "design -n 5" + OLD, r"--simulator NAME or --space")
    bad("simulator and command", RUN + "'sh good.sh {input} {output}' --simulator branin", r"either --simulator")
    bad("neither simulator nor command", "simulate --design design.csv" + OLD, r"either --simulator")
    bad("command without space", "simulate --command 'x {input} {output}' --design design.csv" + OLD, r"needs --space")
    bad("simulator with another space", "simulate --simulator branin --space space.toml --design p.csv" + OLD,
        r"--space is for --command")
    bad("time-out without command", "simulate --simulator branin --timeout 5 --design design.csv" + OLD, r"--timeout")
    bad("--retry-failed without --resume", "simulate --simulator branin --retry-failed --design design.csv" + OLD,
        r"--retry-failed goes with --resume")
    bad("wrong type of n", "design --simulator branin -n many" + OLD, r"-n.*many|many.*-n")
    bad("n with a fraction", "design --simulator branin -n 2.5" + OLD, r"2\.5")
    bad("n = 0", "design --simulator branin -n 0" + OLD, r"-n: Value 0 not in range")
    bad("n negative", "design --simulator branin -n -5" + OLD, r"-n: Value -5 not in range")
    bad("n beyond range", "design --simulator branin -n 1000000000" + OLD, r"not in range")
    bad("n beyond integers", "design --simulator branin -n 99999999999999999999999" + OLD, r"-n")
    bad("maximin, n too large for its cost", "design --simulator branin --method maximin -n 90000000" + OLD, r"maximin")
    bad("threads -1", "train sims.h5 --threads -1" + OLD, r"--threads: Value -1 not in range")
    bad("threads a word", "train sims.h5 --threads all" + OLD, r"--threads.*all|all.*--threads")
    bad("seed negative", "train sims.h5 --seed -1" + OLD, r"--seed")
    bad("tolerance negative", "train sims.h5 --tolerance -1" + OLD, r"--tolerance.*-1|-1.*--tolerance")
    bad("tolerance nan", "train sims.h5 --tolerance nan" + OLD, r"--tolerance.*nan")
    bad("test fraction 1", "train sims.h5 --test-fraction 1" + OLD, r"--test-fraction.*1")
    bad("time-out 0", RUN + "'sh good.sh {input} {output}' --timeout 0", r"--timeout: 0 is not a positive number")
    bad("wall time nan", RUN + "'sh good.sh {input} {output}' --walltime nan", r"--walltime.*nan")
    bad("folds 1", "compare sims.h5 --folds 1", r"--folds: Value 1 not in range")
    bad("more folds than runs", "compare sims.h5 --folds 500", r"500.*24|24.*500")
    bad("unknown simulator", "design --simulator brainin -n 5" + OLD, r"brainin.*branin")
    bad("unknown method", "design --simulator branin --method random -n 5" + OLD, r"random.*sobol")
    bad("unknown regressor", "train sims.h5 --regressor oracle" + OLD, r"oracle.*linear")
    bad("unknown basis", "train sims.h5 --basis wavelet" + OLD, r"wavelet.*pod")
    bad("unknown input format", RUN + "'sh good.sh {input} {output}' --input-format xml", r"xml.*csv, npy")
    bad("unknown output format", RUN + "'sh good.sh {input} {output}' --output-format xml", r"xml.*csv, npy, h5")
    bad("output is there, no --force", "train sims.h5 -o old.h5", r"old\.h5: is there already.*--force")
    bad("... for predict", "predict model.h5 points.csv -o old.h5", r"old\.h5: is there already.*--force")
    bad("... for simulate", "simulate --simulator branin --design b.csv -o old.h5", r"old\.h5: is there already.*--force")
    bad("output is a folder", "train sims.h5 -o folder --force", r"folder: is a folder")
    bad("output is a device", "train sims.h5 -o /dev/null --force", r"/dev/null.*not a plain file")
    bad("output in a missing folder", "train sims.h5 -o nowhere/model.h5", r"no folder nowhere/")
    bad("output below a file", "train sims.h5 -o old.h5/model.h5", r"no folder old\.h5/")
    bad("output name empty", "train sims.h5 -o ''", r"--output|name")
    bad("output name too long", "train sims.h5 -o " + "x" * 300, r"x{20}.*too long")
    bad("output = input, train", "train sims.h5 -o sims.h5 --force", r"sims\.h5.*(input|read from)")
    bad("output = input, predict", "predict model.h5 points.csv -o points.csv --force", r"points\.csv.*(input|read from)")
    bad("output = model, predict", "predict model.h5 points.csv -o ./model.h5 --force", r"model\.h5.*(input|read from)")
    bad("output = dataset's file", "predict model.h5 sims.h5:/parameters -o sims.h5 --force",
        r"sims\.h5.*(input|read from)")
    bad("output = input, import", "import --parameters p.csv[a,b] --outputs y.csv -o p.csv --force",
        r"p\.csv.*(input|read from)")
    bad("output = design, simulate", RUN.replace("old.h5", "design.csv") + "'sh good.sh {input} {output}'",
        r"design\.csv.*(input|read from)")
    bad("output = space, design", "design --space space.toml -n 3 -o space.toml --force", r"space\.toml.*(input|read from)")
    bad("output = model, report", "report model.h5 -o model.h5 --force", r"model\.h5.*(input|read from)")

    group = "Files"
    for command in ("train {}" + OLD, "info {}", "compare {}", "validate model.h5 {}"):
        name = command.split()[0]
        bad(f"{name}: missing file", command.format("nothing.h5"), r"nothing\.h5")
    for command in ("predict {} points.csv" + OLD, "report {}" + OLD, "validate {} sims.h5"):
        name = command.split()[0]
        bad(f"{name}: missing model", command.format("nothing.h5"), r"nothing\.h5")
    bad("empty file", "train zero.h5" + OLD, r"zero\.h5.*(empty|HDF5)")
    bad("folder for an archive", "train folder" + OLD, r"folder.*(folder|directory)")
    bad("folder for a model", "predict folder points.csv" + OLD, r"folder.*(folder|directory)")
    bad("device for points", "predict model.h5 /dev/zero" + OLD, r"/dev/zero.*device")
    bad("device for a recipe", "train sims.h5 --recipe /dev/urandom" + OLD, r"/dev/urandom.*device")
    bad("folder for points", "predict model.h5 folder" + OLD, r"folder.*(folder|directory)")
    bad("folder for a space", "design --space folder -n 3" + OLD, r"folder.*(folder|directory)")
    bad("folder for a recipe", "train sims.h5 --recipe folder" + OLD, r"folder.*(folder|directory)")
    bad("missing recipe", "train sims.h5 --recipe nothing.toml" + OLD, r"nothing\.toml")
    bad("missing space", "design --space nothing.toml -n 3" + OLD, r"nothing\.toml")
    bad("missing design", "simulate --simulator branin --design nothing.csv" + OLD, r"nothing\.csv")
    bad("text for an archive", "train not-a-file.h5" + OLD, r"not-a-file\.h5.*HDF5")
    bad("HDF5 for a recipe", "train sims.h5 --recipe sims.h5" + OLD, r"sims\.h5.*line 1")
    bad("HDF5 for a space", "design --space sims.h5 -n 3" + OLD, r"sims\.h5.*line 1")
    for share in (0.01, 0.3, 0.7, 0.97):
        bad(f"archive cut at {share}", f"train sims-cut-{share}.h5" + OLD, rf"sims-cut-{share}\.h5")
        bad(f"model cut at {share}", f"predict model-cut-{share}.h5 points.csv" + OLD, rf"model-cut-{share}\.h5")
        bad(f"model of a Gaussian process cut at {share}", f"predict gp-cut-{share}.h5 points.csv" + OLD,
            rf"gp-cut-{share}\.h5")
    for share in (0.001, 0.4, 0.8):
        bad(f"archive, a bit turned at {share}", f"train sims-flip-{share}.h5" + OLD, rf"sims-flip-{share}\.h5")
        bad(f"model, a bit turned at {share}", f"predict model-flip-{share}.h5 points.csv" + OLD,
            rf"model-flip-{share}\.h5")
        bad(f"Gaussian process, a bit turned at {share}", f"info gp-flip-{share}.h5", rf"gp-flip-{share}\.h5")
    bad("archive, content edited", "train sims-edited.h5" + OLD, r"sims-edited\.h5.*checksum")
    bad("model, content edited", "predict model-edited.h5 points.csv" + OLD, r"model-edited\.h5.*checksum")
    bad("foreign HDF5 as archive", "train foreign.h5" + OLD, r"foreign\.h5.*format")
    bad("foreign HDF5 as model", "predict foreign.h5 points.csv" + OLD, r"foreign\.h5.*format")
    bad("foreign HDF5, info", "info foreign.h5", r"foreign\.h5.*format")
    bad("newer archive", "train sims-newer.h5" + OLD, r"sims-newer\.h5.*(newer|99)")
    bad("newer model", "predict model-newer.h5 points.csv" + OLD, r"model-newer\.h5.*(newer|99)")
    bad("archive as model", "predict sims.h5 points.csv" + OLD, r"sims\.h5.*ersatz-archive")
    bad("model as archive", "train model.h5" + OLD, r"model\.h5.*ersatz-emulator")
    bad("predictions as archive", "train predictions.h5" + OLD, r"predictions\.h5.*ersatz-prediction")
    bad("archive without parameters", "train no-parameters.h5" + OLD, r"no-parameters\.h5.*parameters")
    bad("archive without outputs", "train no-outputs.h5" + OLD, r"no-outputs\.h5.*output")
    bad("archive without names", "train no-names.h5" + OLD, r"no-names\.h5.*names")
    bad("names appear twice", "train duplicate-names.h5" + OLD, r"duplicate-names\.h5.*'a'.*twice")
    bad("three names for two columns", "train three-names.h5" + OLD, r"three-names\.h5.*3.*2")
    bad("outputs with other rows", "train other-rows.h5" + OLD, r"other-rows\.h5.*23.*24|other-rows\.h5.*24.*23")
    bad("outputs are text", "train text-output.h5" + OLD, r"text-output\.h5.*outputs/y")
    bad("outputs of three dimensions", "train cube-output.h5" + OLD, r"cube-output\.h5.*outputs/y")
    bad("outputs of no bins", "train no-bins.h5" + OLD, r"no-bins\.h5.*y")
    bad("outputs by external link, axis left behind", "train linked.h5" + OLD, r"linked\.h5.*y.*axis.*y_index")
    bad("axis not sorted", "train bad-axis.h5" + OLD, r"bad-axis\.h5.*t.*(1|2)")
    bad("axis missing", "train missing-axis.h5" + OLD, r"missing-axis\.h5.*t")
    bad("status unknown", "train bad-status.h5" + OLD, r"bad-status\.h5.*status.*7")
    bad("constraints are not JSON", "train bad-constraints.h5" + OLD, r"bad-constraints\.h5.*constraints")
    bad("no runs", "train no-rows.h5" + OLD, r"no-rows\.h5|no completed run|no run")
    bad("no completed runs: failed", "train all-failed.h5" + OLD, r"all-failed\.h5.*24.*failed")
    bad("no completed runs: pending", "train all-pending.h5" + OLD, r"all-pending\.h5.*no completed")
    bad("no completed runs, compare", "compare all-failed.h5", r"all-failed\.h5.*no completed")
    bad("no completed runs, validate", "validate model.h5 all-failed.h5", r"all-failed\.h5.*no completed")
    bad("NaN in parameters", "train nan-parameter.h5" + OLD, r"nan-parameter\.h5.*row 7.*(b|column 1).*nan")
    bad("infinity in outputs", "train nan-output.h5" + OLD, r"nan-output\.h5.*y, bin 3, row 7: inf")
    bad("log is damaged, --resume", "simulate --simulator branin --design three-columns.csv[0:2] -o damaged.h5 --resume",
        r"damaged\.h5\.log.*(torn|damaged)")
    bad("log is no log, --resume", "simulate --simulator branin --design three-columns.csv[0:2] -o foreign.h5 --resume --force",
        r"foreign\.h5\.log.*not a run log")
    bad("--resume onto something else", RUN.replace("--force", "--resume") + "'sh good.sh {input} {output}'", r"old\.h5")

    group = "Tables"
    predict = "predict model.h5 {}" + OLD
    bad("missing points", predict.format("nothing.csv"), r"no file 'nothing\.csv'")
    bad("empty points file", predict.format("empty.csv"), r"empty\.csv.*not one row")
    bad("only comments", predict.format("comments.csv"), r"comments\.csv.*not one row")
    bad("only a header", predict.format("header-only.csv"), r"header-only\.csv.*header")
    bad("row too long", predict.format("ragged.csv"), r"ragged\.csv, line 3.*3 columns, 2")
    bad("row too short", predict.format("short-row.csv"), r"short-row\.csv, line 3.*1 columns, 2")
    bad("a word among numbers", predict.format("token.csv"), r"token\.csv, line 3, column 2: 'three'")
    bad("missing field", predict.format("missing-field.csv"), r"missing-field\.csv, line 2, column 2")
    bad("NaN point", predict.format("nan.csv"), r"nan\.csv, line 3, column 2: 'nan'")
    bad("infinite point", predict.format("inf.csv"), r"inf\.csv, line 3, column 1: '-inf'")
    bad("number too large", predict.format("overflow.csv"), r"overflow\.csv, line 2, column 2: '1e999'")
    bad("decimal commas", predict.format("comma-decimal.csv"), r"comma-decimal\.csv.*line 2.*3 columns")
    bad("names appear twice in the header", predict.format("duplicate-names.csv"), r"line 1, column 2: the name 'a'")
    bad("points with wrong names", predict.format("other-names.csv"), r"other-names\.csv.*no column for b.*a, c")
    bad("wrong number of columns", predict.format("three-columns.csv"), r"three-columns\.csv.*3 columns.*2 parameters")
    bad("selection names no column", predict.format("points.csv[q]"), r"points\.csv.*no column 'q'.*a, b")
    bad("selection beyond the columns", predict.format("points.csv[0:7]"), r"points\.csv.*'0:7' goes beyond")
    bad("selection backwards", predict.format("points.csv[b:a]"), r"points\.csv.*'b:a' is empty")
    bad("selection empty", predict.format("points.csv[]"), r"points\.csv.*name is empty")
    bad("selection twice", predict.format("points.csv[a,a]"), r"points\.csv.*chosen twice")
    bad("selection of too few", predict.format("points.csv[a]"), r"points\.csv.*no column for b")
    bad("bracket not opened", predict.format("points.csv]"), r"points\.csv\]")
    bad("selection of a missing file", predict.format("nothing.csv[a]"), r"nothing\.csv")
    bad("HDF5 without a dataset", predict.format("sims.h5"), r"sims\.h5.*which dataset.*/parameters")
    bad("HDF5, dataset missing", predict.format("sims.h5:/nothing"), r"sims\.h5.*nothing")
    bad("HDF5, a group", predict.format("sims.h5:/outputs"), r"sims\.h5.*outputs")
    bad("HDF5 file missing", predict.format("nothing.h5:/parameters"), r"nothing\.h5")
    bad("HDF5, text dataset", predict.format("text-output.h5:/outputs/y"), r"text-output\.h5.*outputs/y")
    bad("HDF5, NaN point", predict.format("nan-parameter.h5:/parameters"), r"nan-parameter\.h5:/parameters, row 7, column 1")
    bad(".npy of objects", predict.format("object.npy"), r"object\.npy.*\|O")
    bad(".npy of text", predict.format("words.npy"), r"words\.npy.*U3")
    bad(".npy of records", predict.format("record.npy"), r"record\.npy.*record")
    bad(".npy of three dimensions", predict.format("cube.npy"), r"cube\.npy.*3 dimensions")
    bad(".npy complex where real is needed", predict.format("complex.npy"), r"complex\.npy.*real")
    bad(".npy with NaN", predict.format("nan.npy"), r"nan\.npy, row 0, column 1: nan")
    bad(".npy without rows", predict.format("empty.npy"), r"empty\.npy.*(not one row|no rows|0 rows)")
    bad(".npy cut", predict.format("cut.npy"), r"cut\.npy.*truncated")
    bad(".npy cut in its header", predict.format("cut-header.npy"), r"cut-header\.npy.*truncated")
    bad(".npy of an unknown version", predict.format("version-9.npy"), r"version-9\.npy.*version 9")
    bad(".npz", predict.format("arrays.npz"), r"arrays\.npz.*zip")
    bad("parameter of a log scale negative", predict.format("negative-log.csv"), r"negative-log\.csv.*point 0.*b = -3 must be positive")
    imports = "import --parameters {} --outputs {} --name y" + OLD
    bad("rows differ", imports.format("points.csv", "y.csv"), r"points\.csv has 3 rows, y\.csv has 24")
    bad("NaN outputs", imports.format("points.csv", "axis-nan.csv"), r"axis-nan\.csv, line 3.*nan")
    bad("complex parameters", imports.format("complex.npy", "y.csv"), r"complex\.npy.*real")
    bad("axis of wrong length", imports.format("p.csv", "y.csv") + " --axis axis-short.csv", r"axis-short\.csv: 3 axis.*5")
    bad("axis not sorted", imports.format("p.csv", "y.csv") + " --axis axis-unsorted.csv", r"axis.*(rise|rising|monoton|strictly)")
    bad("axis with equal values", imports.format("p.csv", "y.csv") + " --axis axis-same.csv", r"axis.*(rise|rising|monoton|strictly)")
    bad("axis a matrix", imports.format("p.csv", "y.csv") + " --axis axis-matrix.csv", r"axis-matrix\.csv.*2 x 2")
    bad("axis with NaN", imports.format("p.csv", "y.csv") + " --axis axis-nan.csv", r"axis-nan\.csv, line 3")
    bad("name of the output empty", imports.replace("--name y", "--name ''").format("p.csv", "y.csv"), r"name")
    bad("name of the output with a slash", imports.replace("--name y", "--name a/b").format("p.csv", "y.csv"), r"a/b")
    bad("space of other names", imports.format("other-names-24.csv", "y.csv") + " --space space.toml",
        r"other-names-24\.csv.*no column for b")
    for rule, why in (("every:0", "'0' is not a positive"), ("every:x", "'x' is not"), ("first", "no colon"),
                      ("5:100", "24 rows only"), ("9:3", "no row"), ("every:-2", "'-2' is not"), ("3:4:5", "'4:5' is not")):
        bad(f"rows {rule}", imports.format("p.csv", "y.csv") + f" --rows {rule}", rf"rows '{rule}': .*{why}")

    group = "Spaces"
    design = "design --space {} -n 4" + OLD
    for file, what, says in (
            ("syntax.toml", "syntax error", r"line 1"), ("key.toml", "unknown key", r"line 5.*'colour'"),
            ("inverted.toml", "bounds inverted", r"line 1.*'a'.*2.*above.*1"),
            ("log.toml", "log scale from zero", r"'a'.*log.*positive"), ("scale.toml", "unknown scale", r"line 5.*'cubic'"),
            ("no-upper.toml", "a bound missing", r"line 1.*'upper' is missing"),
            ("text-bound.toml", "a bound in quotes", r"line 3.*'lower' must be a number"),
            ("nan-bound.toml", "NaN bound", r"'a'.*finite"), ("inf-bound.toml", "infinite bound", r"'a'.*finite"),
            ("number-name.toml", "name a number", r"line 2.*'name' must be a text"), ("no-name.toml", "name empty", r"no name"),
            ("twice.toml", "name twice", r"'a' appears twice"), ("one-bracket.toml", "one bracket", r"two brackets"),
            ("no-parameter.toml", "no parameter", r"no-parameter\.toml.*parameter"),
            ("ball.toml", "ball of an unknown member", r"line \d+.*'q'.*x, y, z"),
            ("ball-two.toml", "ball of two members", r"three parameter"), ("ball-negative.toml", "ball, negative radius", r"radius.*-1"),
            ("ball-same.toml", "ball, a member twice", r"'x'"), ("linear.toml", "constraint on an unknown name", r"'q'.*x, y, z"),
            ("constraint.toml", "unknown type of constraint", r"cone"),
            ("newline-name.toml", "line break in a name", r"cannot be the name")):
        says = says if "newline" in file else file.replace(".", r"\.") + ".*" + says if "\\.toml" not in says else says
        bad(what, design.format(file), says)
    bad("constraints contradict each other", design.format("contradiction.toml"), r"linear constraints.*contradict", status=3)

    group = "Recipes"
    train = "train sims.h5 --recipe {}" + OLD
    for file, what, says in (
            ("r-syntax.toml", "syntax error", r"r-syntax\.toml, line 1"), ("r-key.toml", "unknown key", r"line 1.*'regresor'.*regressor"),
            ("r-transform.toml", "unknown transform", r"cubist.*log"), ("r-decoder.toml", "unknown decoder", r"morse.*identity"),
            ("r-regressor.toml", "unknown regressor", r"oracle.*gp"), ("r-basis.toml", "unknown basis", r"wavelet.*pod"),
            ("r-setting.toml", "unknown setting of a regressor", r"linear.*'colour'.*degree"),
            ("r-setting-type.toml", "setting of wrong type", r"'degree' must be"),
            ("r-setting-fraction.toml", "setting not whole", r"'degree' must be a whole number, got 1\.5"),
            ("r-setting-negative.toml", "setting negative", r"degree.*-1"), ("r-setting-huge.toml", "setting beyond reason", r"degree.*1000000"),
            ("r-gp-setting.toml", "unknown kernel", r"tartan.*matern"), ("r-basis-setting.toml", "unknown setting of a basis", r"pod.*'colour'"),
            ("r-basis-tolerance.toml", "negative tolerance", r"tolerance.*-1"), ("r-basis-rank.toml", "rank 0", r"max_rank.*0"),
            ("r-transform-setting.toml", "unknown setting of a transform", r"log.*'colour'"),
            ("r-type.toml", "a number for a regressor", r"line 1.*'regressor'"), ("r-no-name.toml", "a regressor without name", r"line 1.*lacks a name"),
            ("r-fraction.toml", "test fraction 1.5", r"line 1.*'test_fraction'"), ("r-output.toml", "unknown output", r"nothing.*y"),
            ("r-channel.toml", "unknown channel", r"nothing.*y"), ("r-channel-key.toml", "unknown key of a channel", r"line 2.*'colour'"),
            ("r-mixed.toml", "numbers and texts mixed", r"line 1.*mixes"), ("r-log.toml", "logarithm of negative values", r"y.*row \d+.*(positive|log)"),
            ("r-phase.toml", "amplitude and phase of real numbers", r"y.*complex|complex.*y")):
        bad(what, train.format(file), says)

    group = "Values"
    bad("one run", "train one-run.h5 --regressor gp" + OLD, r"only 1 completed simulation.*2 or more")
    for regressor in ("mean", "linear", "ridge", "gp", "auto"):
        fit = "train {} --quiet --json --regressor " + regressor + " -o new.h5"
        for what, file in (("constant output", "constant-output.h5"), ("output zero", "zero-output.h5"),
                           ("an input that does not vary", "constant-input.h5"), ("one parameter", "one-parameter.h5"),
                           ("one point twice, other outputs", "contradictory.h5"), ("all points twice", "duplicates.h5")):
            good(f"{regressor}: {what}", fit.format(file), '"model"', "new.h5")
        for what, file in (("two runs", "two-runs.h5"), ("five runs", "five-runs.h5"), ("all rows the same", "same-rows.h5"),
                           ("one point, many outputs", "opposites.h5"), ("40 parameters, 6 runs", "wide.h5"),
                           ("outputs of 1e-310", "tiny-values.h5"),
                           ("parameters of 1e300", "huge-parameters.h5")):
            # Learnt, or refused with a reason: never a crash, never NaN.
            result.append(Case(group, f"{regressor}: {what}", fit.format(file), (0, 2, 3), "", ("new.h5",)))
    for what, file in (("outputs of 1e307", "huge-values.h5"), ("outputs of 1.7e308", "largest-values.h5")):
        bad(what, f"train {file}" + OLD, file.replace(".", r"\.") + ".*'y'.*row 0.*too large.*unit", status=3)
    result.append(Case(group, "compare: two runs", "compare two-runs.h5", (2, 3), r"two-runs|2", ()))
    result.append(Case(group, "compare: constant output", "compare constant-output.h5 --json", 0, "regressor", ()))
    result.append(Case(group, "compare: all rows the same", "compare same-rows.h5 --json", (0, 2, 3), "", ()))
    good("points outside", "predict model.h5 outside.csv -o new.h5", r"not to be trusted: 1 of", "new.h5")
    good("points outside, Gaussian process", "predict gp.h5 outside.csv -o new.h5", r"not to be trusted: 1 of", "new.h5")
    result.append(Case(group, "points far outside", "predict model.h5 far-outside.csv -o new.h5", 3, r"far-outside\.csv.*point 0.*too far", ("new.h5",)))
    result.append(Case(group, "points far outside, Gaussian process", "predict gp.h5 far-outside.csv -o new.h5", (0, 2, 3), "", ("new.h5",)))
    bad("complex output as CSV", "predict model-complex.h5 points.csv -o new.csv", r"new\.csv.*'h' is complex")
    bad("two outputs as CSV", "predict model-two.h5 points.csv -o new.csv", r"new\.csv.*--output: y, z")
    bad("unknown output", "predict model.h5 points.csv --output q" + OLD, r"no output 'q'.*y")
    bad("validate on what was learnt", "validate model.h5 sims.h5", r"sims\.h5.*learnt from")
    bad("monitor on what was learnt", "monitor model.h5 sims.h5", r"sims\.h5.*learnt from")
    bad("monitor with one run", "monitor model.h5 one-run.h5", r"one-run\.h5.*only 1 completed.*5")
    bad("monitor, other parameters", "monitor model.h5 other-parameters.h5", r"other-parameters\.h5.*a, c.*a, b")
    bad("monitor, significance 0", "monitor model.h5 one-run.h5 --significance 0", r"--significance.*0")
    bad("monitor, simulations missing", "monitor model.h5 nowhere.h5", r"nowhere\.h5")
    bad("monitor, an archive for a model", "monitor sims.h5 one-run.h5", r"sims\.h5.*ersatz-emulator|ersatz-archive")
    bad("diff, an archive for a model", "diff model.h5 sims.h5", r"sims\.h5.*ersatz-emulator|ersatz-archive")
    bad("diff, model missing", "diff nowhere.h5 model.h5", r"nowhere\.h5")
    bad("diff at no points", "diff model.h5 gp.h5 --points 0", r"--points.*0|0.*--points")
    bad("diff, tolerance negative", "diff model.h5 gp.h5 --tolerance -1", r"--tolerance.*-1")
    good("diff of a model with itself", "diff model.h5 model.h5", r"may take the place")
    bad("unknown calibration", "train sims.h5 --recipe r-calibration.toml" + OLD, r"oracle.*cross-validation")
    bad("calibration, fraction 1", "train sims.h5 --recipe r-calibration-fraction.toml" + OLD, r"fraction is 1")
    bad("calibration, more folds than runs", "train sims.h5 --recipe r-calibration-folds.toml" + OLD, r"folds need at least")
    bad("validate, other output", "validate model.h5 zebra.h5", r"zebra\.h5.*y.*other")
    bad("validate, other parameters", "validate model.h5 other-parameters.h5", r"other-parameters\.h5.*a, c.*a, b")
    bad("validate, other bins", "validate model.h5 other-bins.h5", r"other-bins\.h5.*y.*3.*5")
    waves = "validate model-complex.h5 held-out-complex.h5 "
    good("mismatch with nothing maximised", waves + "--maximise none --json", r'"maximised_over": "nothing"')
    bad("validate on another axis", "validate model-complex.h5 uneven.h5", r"uneven\.h5.*bin 2 of axis 'axis' is at 2\.5")
    bad("unknown noise curve", waves + "--noise virgo", r"'virgo'.*advanced-ligo")
    bad("noise file without its kind", waves + "--noise noise-good.txt", r"psd:noise-good\.txt.*asd:noise-good\.txt")
    bad("noise curve unsorted", waves + "--noise psd:noise-unsorted.txt", r"noise-unsorted\.txt, row 2.*ascend")
    bad("noise curve with a zero", waves + "--noise psd:noise-zero.txt", r"noise-zero\.txt, row 1.*above 0")
    bad("noise curve with NaN", waves + "--noise asd:noise-nan.txt", r"noise-nan\.txt.*nan")
    bad("noise curve too short", waves + "--noise psd:noise-short.txt", r"noise-short\.txt.*at least two")
    bad("noise curve of three columns", waves + "--noise psd:noise-wide.txt", r"noise-wide\.txt.*3 columns")
    bad("noise curve missing", waves + "--noise psd:nowhere.txt", r"nowhere\.txt")
    bad("noise curve without a total mass", waves + "--noise advanced-ligo", r"total mass")
    bad("total mass 0", waves + "--total-mass 0", r"--total-mass.*positive")
    bad("band empty", waves + "--band 30:20", r"--band 30:20")
    bad("band a word", waves + "--band low:high", r"--band.*'low'")
    bad("band beyond the series", waves + "--band 40:50", r"no frequency of the series")
    bad("band beyond the noise curve", waves + "--noise psd:noise-good.txt --total-mass 1e5 --band 0.5:2", r"known from 1 to 2")
    bad("taper over more than all", waves + "--taper planck:0.6", r"together at most 1")
    bad("unknown maximisation", waves + "--maximise all", r"'all'.*time-phase")
    bad("mismatch of what train set aside", "report model-complex.h5 --maximise none" + OLD, r"--test")
    bad("condition without complex outputs", "condition sims.h5 --frequencies 0:0.4:5" + OLD, r"sims\.h5.*no complex output")
    bad("condition beyond the sampling", "condition complex.h5 --frequencies 0:0.7:5" + OLD, r"beyond half the sampling rate")
    bad("condition at one frequency", "condition complex.h5 --frequencies 0:1:1" + OLD, r"--frequencies 0:1:1")
    bad("condition, unequal steps", "condition uneven.h5 --frequencies 0:0.1:5" + OLD, r"uneven\.h5.*bin 2.*equal steps")
    bad("report without anything to score on", "report gp.h5" + OLD, r"gp\.h5.*--test")
    good("validate, one run", "validate gp.h5 one-run.h5 --json", r'"outputs"')
    good("validate, constant output", "validate model.h5 constant-output.h5 --json", r'"outputs"')

    group = "Commands"
    bad("no {input}", RUN + "'sh good.sh x {output}'", r"has no \{input\}")
    bad("no {output}", RUN + "'sh good.sh {input}'", r"has no \{output\}")
    bad("command empty", RUN + "''", r"--command")
    bad("command not found", RUN + "'./nowhere {input} {output}'", r"row 0: exit status 127 \(command not found\).*nowhere")
    bad("not executable", RUN + "'./good.sh {input} {output}'", r"row 0: exit status 126")
    bad("shell syntax error", RUN + "'sh ( {input} {output}'", r"row 0: exit status 2.*yntax error")
    bad("exit status 1", RUN + "'sh exit1.sh {input} {output}'", r"row 0: exit status 1; it said: no licence")
    bad("killed by a signal", RUN + "'exec sh killed.sh {input} {output}'", r"row 0: .*signal 9")
    bad("segmentation fault", RUN + "'sh segfault.sh {input} {output}'", r"row 0: .*signal 11")
    bad("hangs", RUN + "'sh hang.sh {input} {output}' --timeout 0.05", r"row 0: not finished after 0\.05 s")
    bad("hangs and ignores SIGTERM", RUN.replace("design.csv", "one.csv") + "'sh stubborn.sh {input} {output}' --timeout 0.05",
        r"row 0: not finished after 0\.05 s")
    bad("garbage", RUN + "'sh garbage.sh {input} {output}'", r"row 0: 'output\.csv' is neither text")
    bad("words instead of numbers", RUN + "'sh words.sh {input} {output}'", r"row 0: output\.csv: there is a header but")
    bad("garbage where HDF5 is due", RUN + "'sh garbage.sh {input} {output}' --output-format h5", r"row 0: .*output\.h5.*HDF5")
    bad("no output file", RUN + "'sh silent.sh {input} {output}'", r"row 0: it ended well but wrote no output")
    bad("empty output file", RUN + "'sh empty.sh {input} {output}'", r"row 0: output\.csv: .*not one row")
    bad("folder as output", RUN + "'sh folder.sh {input} {output}'", r"row 0: .*output\.csv.*directory")
    bad("NaN", RUN + "'sh nan.sh {input} {output}'", r"row 0: output\.csv, line 2, column 1: 'nan' is not finite")
    some = RUN.replace("old.h5 --force", "new.h5")
    for what, name, says in (("a later run is longer", "longer", r"has 3 bins, in the first run 2"), ("another axis later", "axis", r"in the first run 0\.1"),
                             ("some runs fail", "half", r"exit status 3; it said: bad luck"), ("NaN in a later run", "nan-later", r"'nan' is not finite")):
        good(what, some + f"'sh {name}.sh {{input}} {{output}}'", r"1 of 4 runs done, 3 failed(.|\n)*" + says, "new.h5", status=4)
    good("prints megabytes", some + "'sh loud.sh {input} {output}'", r"4 of 4 runs done", "new.h5")
    bad("design of other columns", "simulate --simulator borehole --design design.csv" + OLD, r"design\.csv.*no column for")
    bad("design with NaN", "simulate --simulator branin --design nan.csv" + OLD, r"nan\.csv, line 3, column 2")

    group = "Inference"
    infer = "infer model.h5 --data observed.csv" + OLD
    bad("no data", "infer model.h5" + OLD, r"no data.*--data")
    bad("data missing", "infer model.h5 --data nowhere.csv" + OLD, r"nowhere\.csv")
    bad("data with too few rows", "infer model.h5 --data axis-short.csv" + OLD, r"axis-short\.csv.*3 rows.*5 bins")
    bad("data not finite", "infer model.h5 --data axis-nan.csv" + OLD, r"axis-nan\.csv.*nan")
    bad("an error of zero", "infer model.h5 --data no-error.csv" + OLD, r"no-error\.csv")
    bad("configuration missing", infer + " --config nowhere.toml", r"nowhere\.toml")
    bad("configuration with syntax errors", infer + " --config syntax.toml", r"syntax\.toml")
    bad("model missing, infer", "infer nowhere.h5 --data observed.csv" + OLD, r"nowhere\.h5")
    bad("archive for a model, infer", "infer sims.h5 --data observed.csv" + OLD, r"sims\.h5")
    bad("unknown method, infer", infer + " --method gibbs", r"--method.*gibbs")
    bad("steps 0", infer + " --steps 0", r"--steps: Value 0 not in range")
    bad("warm-up negative", infer + " --warmup -1", r"--warmup: Value -1 not in range")
    bad("walkers for nuts", infer + " --method nuts --walkers 40", r"--walkers is for the ensemble")
    bad("chains for the ensemble", infer + " --method ensemble --chains 4", r"--walkers")
    bad("an odd number of walkers", infer + " --method ensemble --walkers 33", r"even number.*33")
    bad("too few walkers", infer + " --method ensemble --walkers 2", r"at least 4 walkers, got 2")
    bad("acceptance nan", infer + " --acceptance nan", r"--acceptance: nan is not a positive number")
    bad("acceptance 1", infer + " --method nuts --acceptance 1", r"between 0 and 1, got 1")
    bad("target R-hat nan", infer + " --target-rhat nan", r"--target-rhat: nan")
    bad("target of effective draws negative", infer + " --target-ess -5", r"--target-ess: -5")
    bad("resume and force, infer", infer + " --resume", r"--resume.*--force")
    bad("resume from what is no chain", "infer model.h5 --data observed.csv -o old.h5 --resume", r"old\.h5.*HDF5")
    bad("output is there, infer", "infer model.h5 --data observed.csv -o old.h5", r"old\.h5: is there already.*--resume.*--force")
    bad("output = data, infer", "infer model.h5 --data observed.csv -o observed.csv --force", r"observed\.csv.*input")
    bad("report = chain", infer + " --report old.h5", r"old\.h5: chain and report")
    bad("a maximum over a sample", "infer model.h5 --data observed.csv -o old.h5 --method map --resume", r"--resume.*--method map")
    bad("report of a maximum", infer + " --method map --report new.html", r"--report.*--method map")
    good("a short chain", "infer model.h5 --data observed.csv --steps 20 --warmup 30 -o new.h5", r"warning: few effective", "new.h5")
    good("a maximum", "infer model.h5 --data observed.csv --method map -o new.h5", r"log posterior", "new.h5")

    group = "Odd but legal"
    good("columns in another order", "predict model.h5 swapped.csv -o new.h5", r"3 predictions", "new.h5")
    good("Windows line ends", "predict model.h5 crlf.csv -o new.h5", r"3 predictions", "new.h5")
    good("spaces, brackets and unicode in names", "predict model.h5 'name ü [1].csv' -o 'neu ü.h5'", r"2 predictions", "neu ü.h5")
    good("a selection of such a file", "predict model.h5 'name ü [1].csv[a,b]' -o 'neu ü.h5'", r"2 predictions", "neu ü.h5")
    good("a path with dots", "predict ./folder/../model.h5 ./points.csv -o ./folder/../new.h5", r"3 predictions", "new.h5")
    good("no ending", "predict model.h5 points.csv -o new", r"3 predictions", "new")
    good("points from a pipe", "predict model.h5 /dev/stdin -o new.h5", r"1 predictions", "new.h5")
    good("one point for a design", "design --simulator branin -n 1 -o new.csv", r"1 points", "new.csv")
    good("4096 threads", "simulate --simulator branin --design three-columns.csv[0:2] -o new.h5 --threads 4096", r"2 of 2", "new.h5")
    return result
