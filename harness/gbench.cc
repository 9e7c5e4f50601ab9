/* SPDX-License-Identifier: MIT */
/*
 * gbench.cc - Google Benchmark for C: see gbench.h
 *
 * The only C++ of the project. It supports versions 1.7.1 to 1.9. This file
 * replaces three functions of the library:
 *
 * - Option checking: the library exits at an unknown value, ignores unknown
 *   options, and obeys the environment, so that
 *   BENCHMARK_ENABLE_RANDOM_INTERLEAVING would silently shuffle the run.
 * - The file of --benchmark_out: servers would inherit the library's descriptor,
 *   and it does not report write errors.
 * - Names: the library appends /iterations:1/repeats:1/manual_time.
 */
#include "harness/gbench.h"
extern "C" {
#include "harness/base/nearest.h"
}

#include <benchmark/benchmark.h>
#include <jansson.h>

#include <errno.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

using benchmark::BenchmarkReporter;
using std::string;
using std::vector;

enum { WHY_SIZE = 512, NAME_WIDTH_MIN = 10 };

/* ------------------------------------------------------------------- options */

/* Reasons may quote server output, and the library does not escape all
 * characters as JSON requires. */
static string plain(const char *text)
{
	string copy = text;
	json_t *valid = json_string(text);

	for (char &c : copy)
		if ((unsigned char)c < ' ' || c == '\x7f')
			c = ' ';
		else if ((unsigned char)c > '\x7f' && !valid)
			c = '?';
	json_decref(valid);
	return copy;
}

struct option {
	const char *name;     /* after --benchmark_ */
	vector<string> takes; /* empty: any text */
	const char *refused;
	bool repeats; /* not refused where the library repeats */
};

static const char PREFIX[] = "--benchmark_";
static const char RESOLVED[] = "bin/matrix handles it itself, on the command "
			       "line only";
static const char AGGREGATES[] =
	"repetitions are reported when they end, medians at the end; "
	"compare.py -a shows medians only";

static const vector<string> truth = { "true", "false", "yes", "no",
				      "on",   "off",   "1",   "0" };
static const vector<string> formats = { "console", "json", "csv" };

static const vector<struct option> options = {
	{ "list_tests", truth, NULL, true },
	{ "format", formats, NULL, true },
	{ "out", {}, NULL, true },
	{ "out_format", formats, NULL, true },
	{ "color",
	  { "auto", "true", "false", "yes", "no", "1", "0" },
	  NULL,
	  true },
	{ "counters_tabular", truth, NULL, true },
	{ "context", {}, NULL, true },
	{ "time_unit", { "ns", "us", "ms", "s" }, NULL, true },
	{ "filter", {}, RESOLVED, true },
	{ "repetitions", {}, RESOLVED, true },
	{ "enable_random_interleaving", truth,
	  "the plan shuffles settings within each block, and servers within "
	  "each round",
	  true },
	{ "min_time", {}, "not supported: --bout sets the time of all", true },
	{ "min_warmup_time",
	  {},
	  "not supported: every bout begins with a round that does not "
	  "count",
	  true },
	{ "report_aggregates_only", truth, AGGREGATES, true },
	{ "display_aggregates_only", truth, AGGREGATES, true },
	{ "perf_counters",
	  {},
	  "it would count this program, not the servers; bin/probe counts what a program does",
	  false },
	{ "dry_run",
	  {},
	  "not supported; bin/matrix has --dry-run, which shows the plan without a run",
	  false },
};

/* The given options, by name */
static std::map<string, string> asked;
static FILE *out;
static bool library_repeats;

static bool is_true(const string &name)
{
	const string &value = asked[name];

	return value == "true" || value == "yes" || value == "on" ||
	       value == "1";
}

static string listed(const vector<string> &words)
{
	string list;

	for (size_t i = 0; i < words.size(); i++) {
		if (i > 0)
			list += i + 1 < words.size() ? ", " : " or ";
		list += words[i];
	}
	return list;
}

static bool is_refused(const struct option &o)
{
	return library_repeats ? !o.repeats : o.refused != NULL;
}

static const struct option *find_option(const string &name)
{
	for (const struct option &o : options)
		if (name == o.name)
			return &o;
	return NULL;
}

/* The message about an unknown option */
static string unknown(const string &name)
{
	vector<const char *> all;
	vector<string> useful;
	const char *meant;

	for (const struct option &o : options) {
		all.push_back(o.name);
		if (!is_refused(o))
			useful.push_back(o.name);
	}
	all.push_back(NULL);
	meant = nearest(name.c_str(), all.data());
	if (meant)
		return string("unknown option; did you mean ") + PREFIX +
		       meant + "?";
	return string("unknown option; allowed after ") + PREFIX + ": " +
	       listed(useful);
}

/* For the context: the library silently ignores what is not a pair. */
static bool are_pairs(const string &list)
{
	std::istringstream rest(list);
	string pair;

	while (std::getline(rest, pair, ',')) {
		size_t equal = pair.find('=');

		if (equal == 0 || equal == string::npos ||
		    equal + 1 == pair.size() || equal != pair.rfind('='))
			return false;
	}
	return list.back() != ',';
}

/* For numbers. The library takes what it cannot read for the default. From 1.8 on it
 * wants "0.5s", before "0.5". */
static bool is_number(const string &text, bool whole)
{
	char *end;
	double number = strtod(text.c_str(), &end);

	if (!whole && strcmp(end, "s") == 0)
		end++;
	return !text.empty() && *end == '\0' && isdigit(text[0]) &&
	       number > 0 && number <= 1e6 &&
	       (!whole || number == floor(number));
}

/* "", or why this text is no regular expression */
static string bad_filter(const string &text)
{
	regex_t regex;
	char message[128] = "";
	int error = regcomp(&regex, text.c_str() + (text[0] == '-'),
			    REG_EXTENDED | REG_NOSUB);

	if (error)
		regerror(error, &regex, message, sizeof(message));
	else
		regfree(&regex);
	return message;
}

/* "", or why the option is rejected */
static string mistake(const string &name, const string &value)
{
	const struct option *o = find_option(name);

	if (!o)
		return unknown(name);
	if (is_refused(*o))
		return o->refused;
	if (!o->takes.empty()) {
		for (const string &word : o->takes)
			if (value == word)
				return "";
		return "allowed: " + listed(o->takes);
	}
	if (value.empty())
		return "needs a value";
	if (name == "context" && !are_pairs(value))
		return "needs KEY=VALUE pairs, separated by commas";
	if (name == "repetitions" && !is_number(value, true))
		return "needs a number of at least 1";
	if ((name == "min_time" || name == "min_warmup_time") &&
	    !is_number(value, false))
		return "needs a time in seconds, such as 0.01";
	return name == "filter" ? bad_filter(value) : "";
}

/* `text` is the option as given, for the message. */
static bool take(const string &text, const string &name, const string &value,
		 char *why)
{
	string wrong = mistake(name, value);

	if (wrong.empty()) {
		asked[name] = value;
		return true;
	}
	snprintf(why, WHY_SIZE, "%.200s: %s", text.c_str(), wrong.c_str());
	return false;
}

/* The library would read the environment without checks. */
static bool take_environment(char *why)
{
	for (const struct option &o : options) {
		string name = string("BENCHMARK_") + o.name;
		const char *value;

		std::transform(name.begin(), name.end(), name.begin(), toupper);
		value = getenv(name.c_str());
		if (value && !take(name + "=" + value + " (environment)",
				   o.name, value, why))
			return false;
	}
	return true;
}

static bool take_argument(const string &text, char *why)
{
	size_t equal = text.find('='), start = strlen(PREFIX);
	const struct option *o;
	string name, value;

	/* Also handles --benchmark-format, to suggest the right one. */
	if (text.compare(0, start, PREFIX) != 0)
		start--;
	name = text.substr(start,
			   equal == string::npos ? equal : equal - start);
	o = find_option(name);
	if (equal != string::npos)
		value = text.substr(equal + 1);
	else if (o && o->takes == truth)
		value = "true";
	return take(text, name, value, why);
}

static bool take_arguments(int *argc, char **argv, char *why)
{
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			while (i < *argc)
				argv[kept++] = argv[i++];
		} else if (strncmp(argv[i], "--benchmark", 11) != 0) {
			argv[kept++] = argv[i];
		} else if (!take_argument(argv[i], why)) {
			return false;
		}
	}
	argv[kept] = NULL;
	*argc = kept;
	return true;
}

/* Truncated only when the run begins; close-on-exec. */
static bool open_out(char *why)
{
	const string &path = asked["out"];

	if (path.empty())
		return true;
	out = fopen(path.c_str(), "ae");
	if (!out)
		snprintf(why, WHY_SIZE, "%sout=%.200s: %s", PREFIX,
			 path.c_str(), strerror(errno));
	return out;
}

static bool take_defaults(const char *const *defaults, char *why)
{
	for (; defaults && *defaults; defaults++)
		if (!take_argument(*defaults, why))
			return false;
	return true;
}

static bool is_before_1_8()
{
	unsigned major, minor;

	return sscanf(GBENCH_VERSION, "%u.%u", &major, &minor) == 2 &&
	       major == 1 && minor < 8;
}

/* Those that this file does not handle itself, as the library wants them */
static vector<string> for_library(const char *program)
{
	static const vector<string> ours = { "out", "filter",
					     "report_aggregates_only",
					     "display_aggregates_only" };
	const bool old = is_before_1_8();
	vector<string> words = { program, "--v=0" };

	for (const auto &[name, value] : asked) {
		string text = plain(value.c_str());

		if (text.empty() ||
		    std::find(ours.begin(), ours.end(), name) != ours.end())
			continue;
		if (name == "min_time" && (text.back() == 's') == old)
			text = old ? text.substr(0, text.size() - 1) :
				     text + "s";
		else if (name == "min_warmup_time" && text.back() == 's')
			text.pop_back();
		words.push_back(PREFIX + name + "=" + text);
	}
	return words;
}

bool gbench_initialize(int *argc, char **argv, const char *const *defaults,
		       char why[WHY_SIZE])
{
	vector<string> words;
	vector<char *> pointers;
	int n;

	asked.clear();
	library_repeats = defaults;
	if (!take_defaults(defaults, why) || !take_environment(why) ||
	    !take_arguments(argc, argv, why) || !open_out(why))
		return false;
	words = for_library(argv[0]);
	for (string &word : words)
		pointers.push_back(&word[0]);
	n = (int)pointers.size();
	benchmark::Initialize(&n, pointers.data());
	BenchmarkReporter::Context::executable_name = argv[0];
	if (n > 1)
		snprintf(why, WHY_SIZE,
			 "%.200s: unknown to Google Benchmark %s", pointers[1],
			 gbench_version());
	return n == 1;
}

bool gbench_selects(const char *name)
{
	const string &text = asked["filter"];
	bool excludes = text[0] == '-', matches;
	regex_t regex;

	if (text.empty() || text == "all")
		return true;
	if (regcomp(&regex, text.c_str() + excludes, REG_EXTENDED | REG_NOSUB))
		return false;
	matches = regexec(&regex, name, 0, NULL, 0) == 0;
	regfree(&regex);
	return matches != excludes;
}

const char *gbench_version(void)
{
	return GBENCH_VERSION;
}

bool gbench_wants_list(void)
{
	return is_true("list_tests");
}

double gbench_number(const char *option)
{
	return strtod(asked[option].c_str(), NULL);
}

bool gbench_wants_stdout(void)
{
	return asked["format"] == "json" || asked["format"] == "csv";
}

/* ---------------------------------------------------------------- benchmarks */

struct gbench_state {
	benchmark::State &library;
	bool told; /* a result or an error was reported */
};

/* To the library, each repetition is a separate family. */
struct repetition {
	size_t family; /* in `names` */
	int64_t index; /* within the family */
};

static vector<string> names;
static vector<int64_t> repetitions; /* of each name */
static vector<struct repetition> registered;

/* The counter that carries the CPU time to the report */
static const char CPU_TIME[] = "cpu_time";

void gbench_context(const char *key, const char *value)
{
	benchmark::AddCustomContext(plain(key), plain(value));
}

uint64_t gbench_iterations(const struct gbench_state *state)
{
	return (uint64_t)state->library.max_iterations;
}

void gbench_register(const char *name, gbench_function *function, void *data)
{
	auto run = [function, data](benchmark::State &library) {
		while (library.KeepRunningBatch(library.max_iterations)) {
			struct gbench_state state = { library, false };

			function(&state, data);
			if (!state.told)
				gbench_skip(&state, "no result");
		}
	};
	benchmark::internal::Benchmark *made;

	string family = plain(name);
	size_t i =
		std::find(names.begin(), names.end(), family) - names.begin();

	if (i == names.size()) {
		names.push_back(family);
		repetitions.push_back(0);
	}
	registered.push_back({ i, repetitions[i]++ });
	made = benchmark::RegisterBenchmark(family.c_str(), run);
	made->UseManualTime();
	if (!library_repeats)
		made->Iterations(1)->Repetitions(1);
}

void gbench_result(struct gbench_state *state, double seconds,
		   double cpu_seconds)
{
	if (!isfinite(seconds) || !isfinite(cpu_seconds))
		return;
	state->library.SetIterationTime(seconds);
	state->library.counters[CPU_TIME] = cpu_seconds;
	state->told = true;
}

/* JSON has no NaN. */
void gbench_counter(struct gbench_state *state, const char *name, double value)
{
	if (isfinite(value))
		state->library.counters[name] = value;
}

void gbench_label(struct gbench_state *state, const char *text)
{
	state->library.SetLabel(plain(text));
}

void gbench_skip(struct gbench_state *state, const char *why)
{
	state->library.SkipWithError(plain(why).c_str());
	state->told = true;
}

/* ------------------------------------------------------------------- reports */

/* A report of the library, written to a file step by step, or kept in memory */
struct report {
	BenchmarkReporter *reporter;
	FILE *file; /* NULL: kept */
	bool aggregates_only;
	/* CSV fixes its columns at the first call, so it is called once. */
	bool at_once;
	bool without_errors;
	std::ostringstream stream;
	vector<BenchmarkReporter::Run> held;

	report(BenchmarkReporter *of, FILE *to, const string &format)
	    : reporter(of), file(to), aggregates_only(false),
	      at_once(format == "csv"),
	      without_errors(format != "console" && !at_once)
	{
		of->SetOutputStream(&stream);
	}
};

static void write_out(struct report *r)
{
	string text;
	bool failed;

	if (!r->file)
		return;
	failed = ferror(r->file);
	text = r->stream.str();
	r->stream.str("");
	fwrite(text.data(), 1, text.size(), r->file);
	if (fflush(r->file) != 0 && !failed)
		fprintf(stderr, "Google Benchmark's report: cannot write: %s\n",
			strerror(errno));
}

/* false: an error, without times */
static bool take_cpu_time(BenchmarkReporter::Run *run)
{
	auto found = run->counters.find(CPU_TIME);

	if (found == run->counters.end())
		return false;
	run->cpu_accumulated_time = found->second;
	run->counters.erase(found);
	return true;
}

/* JSON has no NaN. The coefficient of variation of zeros is one. */
static void drop_nan(benchmark::UserCounters *counters)
{
	for (auto one = counters->begin(); one != counters->end();)
		one = isfinite(one->second.value) ? std::next(one) :
						    counters->erase(one);
}

static double middle(vector<double> values)
{
	size_t half = values.size() / 2;

	std::sort(values.begin(), values.end());
	if (values.size() % 2)
		return values[half];
	return (values[half - 1] + values[half]) / 2;
}

/* In the form that the library gives to its own repetitions */
static BenchmarkReporter::Run
median_of(const vector<BenchmarkReporter::Run> &of)
{
	BenchmarkReporter::Run run = of[0];
	vector<double> real, cpu;

	for (const BenchmarkReporter::Run &one : of) {
		real.push_back(one.real_accumulated_time);
		cpu.push_back(one.cpu_accumulated_time);
	}
	run.run_type = run.RT_Aggregate;
	run.aggregate_name = "median";
	run.repetition_index = run.no_repetition_index;
	run.iterations = (int64_t)of.size();
	run.real_accumulated_time = middle(real) * of.size();
	run.cpu_accumulated_time = middle(cpu) * of.size();
	run.counters.clear();
	return run;
}

/* Forwards the calls of the library to several reports. */
class several : public BenchmarkReporter
{
	vector<vector<Run>> measured; /* of each name */

	static bool is_one_of_many(const vector<Run> &runs)
	{
		return !runs.empty() && runs[0].repetitions > 1 &&
		       runs[0].run_type == Run::RT_Iteration;
	}

	void forward(const vector<Run> &runs, bool errors)
	{
		for (struct report *r : reports) {
			if ((errors && r->without_errors) ||
			    (r->aggregates_only && is_one_of_many(runs)))
				continue;
			if (r->at_once)
				r->held.insert(r->held.end(), runs.begin(),
					       runs.end());
			else
				r->reporter->ReportRuns(runs);
			write_out(r);
		}
	}

      public:
	vector<struct report *> reports;

	bool ReportContext(const Context &given) override
	{
		Context context(given);

		context.name_field_width = NAME_WIDTH_MIN;
		for (const string &name : names)
			context.name_field_width =
				std::max(context.name_field_width,
					 name.size() + strlen("_median"));
		measured.resize(names.size());
		for (struct report *r : reports) {
			r->reporter->ReportContext(context);
			write_out(r);
		}
		return true;
	}

	void ReportRuns(const vector<Run> &given) override
	{
		for (Run run : given) {
			const struct repetition &r =
				registered[run.family_index];
			bool has_times = take_cpu_time(&run);

			run.run_name = benchmark::BenchmarkName();
			run.run_name.function_name = names[r.family];
			run.family_index = (int64_t)r.family;
			if (library_repeats) {
				drop_nan(&run.counters);
				/* The library's has the set-up in it. */
				run.cpu_accumulated_time =
					run.real_accumulated_time;
			} else {
				run.repetition_index = r.index;
				run.repetitions = repetitions[r.family];
			}
			if (has_times && !library_repeats)
				measured[r.family].push_back(run);
			forward({ run }, !has_times);
		}
	}

	void Finalize() override
	{
		vector<Run> medians;

		for (const vector<Run> &of : measured)
			if (of.size() > 1)
				medians.push_back(median_of(of));
		forward(medians, false);
		for (struct report *r : reports) {
			if (r->at_once)
				r->reporter->ReportRuns(r->held);
			r->reporter->Finalize();
			write_out(r);
		}
	}
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static BenchmarkReporter *reporter_of(const string &format)
{
	if (format == "console")
		return new benchmark::ConsoleReporter(
			benchmark::ConsoleReporter::OO_None);
	if (format == "csv")
		return new benchmark::CSVReporter;
	return new benchmark::JSONReporter;
}
#pragma GCC diagnostic pop

/* The report without host name and path; free it */
static char *without_names(const string &text)
{
	json_error_t error;
	json_t *report = json_loads(text.c_str(), 0, &error), *context;
	char *clean;

	if (!report) {
		/* Without benchmarks the library writes no report. */
		if (!text.empty())
			fprintf(stderr, "Google Benchmark's report: %s\n",
				error.text);
		report = json_pack("{s:{}, s:[]}", "context", "benchmarks");
	}
	context = json_object_get(report, "context");
	json_object_del(context, "host_name");
	json_object_set_new(context, "executable",
			    json_string(program_invocation_short_name));
	clean = json_dumps(report, JSON_INDENT(2));
	json_decref(report);
	return clean;
}

/* Discards the library's notes about the machine and its build: bin/matrix
 * doctor checks the machine, and nothing is measured in this process. */
static char *run_with_reports(void)
{
	const string &shown_as = asked["format"],
		     &written_as = asked["out_format"];
	std::unique_ptr<BenchmarkReporter> json(reporter_of("json")),
		file(reporter_of(written_as));
	BenchmarkReporter *usual = benchmark::CreateDefaultDisplayReporter();
	struct report kept(json.get(), NULL, "json"),
		written(file.get(), out, written_as),
		shown(usual, stdout, shown_as);
	std::ostream nowhere(NULL);
	several all;

	all.SetErrorStream(&nowhere);
	usual->SetErrorStream(&nowhere);
	file->SetErrorStream(&written.stream); /* as in the library */
	all.reports.push_back(&kept);
	if (!shown_as.empty())
		all.reports.push_back(&shown);
	if (out)
		all.reports.push_back(&written);
	written.aggregates_only = is_true("report_aggregates_only");
	shown.aggregates_only =
		written.aggregates_only || is_true("display_aggregates_only");
	benchmark::RunSpecifiedBenchmarks(&all);
	return without_names(kept.stream.str());
}

char *gbench_run(void)
{
	char *report;

	if (gbench_wants_list()) {
		for (const string &name : names)
			puts(name.c_str());
		return NULL;
	}
	/* Other than regular files cannot be truncated. */
	if (out && ftruncate(fileno(out), 0) != 0 && errno != EINVAL)
		fprintf(stderr, "%sout: %s\n", PREFIX, strerror(errno));
	report = run_with_reports();
	if (out)
		fclose(out);
	out = NULL;
	return report;
}
