using System.Text;
using ActorMlp.Data.Configuration;

namespace ActorMlp.Data.Tests.Readers;

public sealed class CsvReadingTests : IDisposable
{
    private readonly TestFolder folder = new();

    private static DataOptions Options { get; } = new() { Train = "train.csv", Target = "kind", Scaling = ScalingKind.None };

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Load_numeric_inputs_and_class_target_gives_rows_in_file_order()
    {
        LoadedData data = Load("x,kind,y\n1,b,-2.5\n3e1,a,4\n5, b ,6\n");

        Assert.Equal(["x", "y"], data.Schema.InputColumns);
        Assert.Equal(["a", "b"], data.Schema.Classes);
        Assert.Equal("kind", data.Schema.Target);
        Assert.Equal([1f, -2.5f], data.Training.Inputs(0));
        Assert.Equal([30f, 4f], data.Training.Inputs(1));
        Assert.Equal([5f, 6f], data.Training.Inputs(2));
        Assert.Equal([1, 0, 1], data.Training.Labels());
        Assert.Null(data.Validation);
        Assert.Null(data.Test);
    }

    [Fact]
    public void Load_classes_that_are_whole_numbers_are_in_numeric_order()
    {
        LoadedData data = Load("x,kind\n1,10\n2,9\n3,-1\n4,10\n");

        Assert.Equal(["-1", "9", "10"], data.Schema.Classes);
        Assert.Equal([2, 1, 0, 2], data.Training.Labels());
    }

    [Fact]
    public void Load_blank_lines_are_no_rows()
    {
        LoadedData data = Load("x,kind\n1,a\n\n2,b\n\n");

        Assert.Equal(2, data.Training.Rows);
    }

    [Fact]
    public void Load_without_header_names_columns_by_their_place()
    {
        LoadedData data = Load("1,2,a\n3,4,b\n", Options with { Header = false, Target = "c2" });

        Assert.Equal(["c0", "c1"], data.Schema.InputColumns);
        Assert.Equal(2, data.Training.Rows);
        Assert.Equal([1f, 2f], data.Training.Inputs(0));
    }

    [Fact]
    public void Load_gzip_is_told_by_the_content_not_by_the_name()
    {
        byte[] text = Encoding.UTF8.GetBytes("x,kind\n1,a\n2,b\n");
        folder.Write("train.csv", TestFolder.Gzip(text));
        folder.Write("plain.gz", text);

        Assert.Equal([1f, 2f], Load().Training.Column(0));
        Assert.Equal([1f, 2f], Load(Options with { Train = "plain.gz" }).Training.Column(0));
    }

    [Fact]
    public void Load_gzip_that_is_cut_short_is_refused()
    {
        byte[] packed = TestFolder.Gzip(Encoding.UTF8.GetBytes(
            "x,kind\n" + string.Concat(Enumerable.Range(0, 1000).Select(i => $"{i * 7919 % 1000},{(i % 2 == 0 ? "a" : "b")}\n"))));
        folder.Write("train.csv", packed[..(packed.Length / 2)]);

        AssertProblem("train.csv", "is no CSV file");
    }

    [Fact]
    public void Load_gzip_of_several_members_is_read_to_the_end()
    {
        byte[] first = TestFolder.Gzip("x,kind\n1,a\n"u8.ToArray()), second = TestFolder.Gzip("2,b\n"u8.ToArray());
        folder.Write("train.csv", [.. first, .. second]);

        Assert.Equal([1f, 2f], Load().Training.Column(0));
    }

    [Fact]
    public void Load_ignored_columns_are_no_inputs_and_may_hold_text()
    {
        LoadedData data = Load("name,x,kind\nA,1,a\nB,2,b\n", Options with { Ignore = ["name"] });

        Assert.Equal(["x"], data.Schema.InputColumns);
        Assert.Equal([1f, 2f], data.Training.Column(0));
    }

    [Fact]
    public void Load_ignored_column_that_is_missing_names_the_key()
    {
        folder.Write("train.csv", "name,x,kind\nA,1,a\n");

        AssertProblem(Options with { Ignore = ["nmae"] }, "'nmae'", "data.ignore", "'name'");
    }

    [Fact]
    public void Load_every_column_ignored_is_refused()
    {
        folder.Write("train.csv", "x,kind\n1,a\n");

        AssertProblem(Options with { Ignore = ["x"] }, "no input columns");
    }

    [Fact]
    public void Load_target_that_is_missing_names_the_nearest_column_and_all()
    {
        folder.Write("train.csv", "x,knid,y\n1,a,2\n");

        AssertProblem("train.csv:1", "no column 'kind'", "data.target", "did you mean 'knid'?", "x, knid, y");
    }

    [Theory]
    [InlineData("abc", "'abc'")]
    [InlineData("", "is empty")]
    [InlineData("  ", "is empty")]
    [InlineData("NaN", "'NaN'")]
    [InlineData("Infinity", "'Infinity'")]
    [InlineData("-Infinity", "'-Infinity'")]
    [InlineData("1e39", "'1e39'")]
    public void Load_cell_that_is_no_finite_number_names_file_line_column_and_text(string cell, string text)
    {
        folder.Write("train.csv", $"x,y,kind\n1,2,a\n3,{cell},b\n");

        DataException problem = AssertProblem($"{folder.At("train.csv")}:3, column 'y'", text, "data.ignore");
        Assert.Single(problem.Problems);
    }

    [Fact]
    public void Load_cell_without_header_counts_lines_from_the_first()
    {
        folder.Write("train.csv", "1,a\nx,b\n");

        AssertProblem(Options with { Header = false, Target = "c1" }, "train.csv:2, column 'c0'", "'x'");
    }

    [Fact]
    public void Load_several_bad_cells_are_reported_at_once()
    {
        folder.Write("train.csv", "x,y,kind\nu,v,a\n1,2,\n3,w,b\n");

        DataException problem = AssertProblem();
        Assert.Collection(
            problem.Problems,
            line => Assert.Contains(":2, column 'x': 'u'", line),
            line => Assert.Contains(":2, column 'y': 'v'", line),
            line => Assert.Contains(":3, column 'kind': is empty; expected a class", line),
            line => Assert.Contains(":4, column 'y': 'w'", line));
    }

    [Fact]
    public void Load_very_many_bad_cells_stops_at_a_readable_number()
    {
        folder.Write("train.csv", "x,kind\n" + string.Concat(Enumerable.Repeat("?,a\n", 5000)));

        Assert.Equal(20, AssertProblem().Problems.Count);
    }

    [Theory]
    [InlineData("3,b", "has 2 cells, expected 3")]
    [InlineData("3,4,b,5", "has 4 cells, expected 3")]
    public void Load_row_of_another_length_names_its_line(string row, string text)
    {
        folder.Write("train.csv", $"x,y,kind\n1,2,a\n{row}\n5,6,b\n");

        Assert.Single(AssertProblem("train.csv:3", text).Problems);
    }

    [Fact]
    public void Load_quoted_cells_over_two_lines_still_counts_lines_of_the_file()
    {
        folder.Write("train.csv", "note,x,kind\n\"one\ntwo\",1,a\nthree,?,b\n");

        AssertProblem(Options with { Ignore = ["note"] }, "train.csv:4, column 'x'");
    }

    [Fact]
    public void Load_comment_lines_are_left_out_but_counted()
    {
        folder.Write("train.csv", "# made up\nx,kind\n1,a\n# more\n?,b\n");

        AssertProblem("train.csv:5, column 'x'");
    }

    [Fact]
    public void Load_empty_file_says_what_was_expected()
    {
        folder.Write("train.csv", "");

        AssertProblem("the file is empty", "column names");
    }

    [Fact]
    public void Load_header_without_rows_says_so()
    {
        folder.Write("train.csv", "x,kind\n");

        AssertProblem("has no rows");
    }

    [Fact]
    public void Load_names_that_appear_twice_are_refused()
    {
        folder.Write("train.csv", "x,y,x,kind\n1,2,3,a\n");

        AssertProblem("train.csv:1", "'x' appears 2 times");
    }

    [Fact]
    public void Load_one_class_only_is_refused()
    {
        folder.Write("train.csv", "x,kind\n1,a\n2,a\n");

        AssertProblem("column 'kind'", "every row is of class 'a'", "at least two");
    }

    [Fact]
    public void Load_class_that_only_the_test_file_has_names_row_and_known_classes()
    {
        folder.Write("train.csv", "x,kind\n1,a\n2,b\n");
        folder.Write("test.csv", "x,kind\n1,a\n2,c\n");

        AssertProblem(Options with { Test = "test.csv" }, "test.csv", "row 2", "'c'", "a, b");
    }

    [Fact]
    public void Load_test_and_validation_files_are_read_by_column_name()
    {
        folder.Write("train.csv", "x,y,kind\n1,2,a\n3,4,b\n");
        folder.Write("validation.csv", "kind,y,x\nb,6,5\n");
        folder.Write("test.csv", "extra,y,kind,x\n?,8,a,7\n");

        LoadedData data = Load(Options with { Validation = "validation.csv", Test = "test.csv" });

        Assert.Equal([5f, 6f], data.Validation!.Inputs(0));
        Assert.Equal(1, data.Validation!.Label(0));
        Assert.Equal([7f, 8f], data.Test!.Inputs(0));
        Assert.Equal(0, data.Test!.Label(0));
    }

    [Fact]
    public void Load_file_that_is_missing_names_the_places_looked_at()
    {
        string other = folder.At("elsewhere");

        DataException problem = Assert.Throws<DataException>(
            () => DataLoader.Load(Options, 1, new DataPaths(folder.Path, other)));

        Assert.Contains(folder.At("train.csv"), problem.Message);
        Assert.Contains(Path.Combine(other, "train.csv"), problem.Message);
    }

    [Fact]
    public void Load_data_directory_goes_before_the_run_files_folder()
    {
        Directory.CreateDirectory(folder.At("data"));
        folder.Write("train.csv", "x,kind\n1,a\n2,b\n");
        folder.Write("data/train.csv", "x,kind\n3,a\n4,b\n");

        LoadedData data = DataLoader.Load(Options, 1, new DataPaths(folder.Path, folder.At("data")));

        Assert.Equal([3f, 4f], data.Training.Column(0));
    }

    [Fact]
    public void Load_limit_of_rows_reads_the_first()
    {
        LoadedData data = Load("x,kind\n1,a\n2,b\n?,c\n", Options with { LimitRows = 2 });

        Assert.Equal([1f, 2f], data.Training.Column(0));
        Assert.Equal(["a", "b"], data.Schema.Classes);
    }

    [Fact]
    public void Load_regression_target_is_a_number()
    {
        DataOptions options = Options with { Task = DataTask.Regression, Target = "price", StandardizeTarget = false };

        LoadedData data = Load("x,price\n1,10.5\n2,-3\n", options);

        Assert.Empty(data.Schema.Classes);
        Assert.Equal(1, data.Training.Targets);
        Assert.Equal(10.5f, data.Training.Target(0));
        Assert.Equal(-3f, data.Training.Target(1));
        Assert.True(Assert.IsType<Dataset>(data.Training).Labels.IsEmpty);
    }

    [Fact]
    public void Load_regression_target_that_is_no_number_names_the_cell()
    {
        folder.Write("train.csv", "x,price\n1,cheap\n");

        DataException problem = AssertProblem(
            Options with { Task = DataTask.Regression, Target = "price" }, "train.csv:2, column 'price': 'cheap'");
        Assert.DoesNotContain("data.ignore", problem.Message);
    }

    [Fact]
    public void Load_content_hash_changes_with_one_byte_of_any_file()
    {
        folder.Write("test.csv", "x,kind\n1,a\n");
        DataOptions options = Options with { Test = "test.csv" };
        string hash = Load("x,kind\n1,a\n2,b\n", options).ContentSha256;

        Assert.Equal(hash, Load(options).ContentSha256);
        Assert.NotEqual(hash, Load("x,kind\n1,a\n3,b\n", options).ContentSha256);
        folder.Write("train.csv", "x,kind\n1,a\n2,b\n");
        folder.Write("test.csv", "x,kind\n2,a\n");
        Assert.NotEqual(hash, Load(options).ContentSha256);
    }

    private LoadedData Load(string text, DataOptions? options = null)
    {
        folder.Write("train.csv", text);
        return Load(options);
    }

    private LoadedData Load(DataOptions? options = null) => DataLoader.Load(options ?? Options, 1, folder.Paths);

    private DataException AssertProblem(params string[] parts) => AssertProblem(Options, parts);

    private DataException AssertProblem(DataOptions options, params string[] parts)
    {
        DataException problem = Assert.Throws<DataException>(() => Load(options));
        Assert.All(parts, part => Assert.Contains(part, problem.Message));
        return problem;
    }
}
