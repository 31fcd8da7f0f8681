using ActorMlp.Data.Configuration;

namespace ActorMlp.Data.Tests;

public sealed class LoadForTests : IDisposable
{
    private static readonly Preprocessing scaling = new(ScalingKind.Standardize, [1, 2], [10, 100], 0, 1);

    private readonly TestFolder folder = new();

    private static DataSchema Schema { get; } = new()
    {
        Format = DataFormat.Csv,
        Header = true,
        InputColumns = ["x", "y"],
        Target = "kind",
        Task = DataTask.Classification,
        Classes = ["a", "b"],
    };

    public void Dispose() => folder.Dispose();

    [Fact]
    public void LoadFor_columns_in_another_order_and_extra_ones_gives_inputs_in_the_models_order()
    {
        string file = folder.Write("new.csv", "extra,y,kind,x\ntext,5,b,3\n");

        Dataset rows = DataLoader.LoadFor(Schema, scaling, file, null, withTarget: true);

        Assert.Equal([20f, 300f], rows.Inputs(0));
        Assert.Equal(1, rows.Label(0));
    }

    [Fact]
    public void LoadFor_without_target_needs_no_such_column()
    {
        string file = folder.Write("new.csv", "y,x\n5,3\n6,4\n");

        Dataset rows = DataLoader.LoadFor(Schema, scaling, file, null, withTarget: false);

        Assert.Equal(2, rows.Rows);
        Assert.Equal([30f, 400f], rows.Inputs(1));
        Assert.True(rows.Labels.IsEmpty);
    }

    [Fact]
    public void LoadFor_column_that_is_missing_is_named_with_the_nearest()
    {
        string file = folder.Write("new.csv", "x,heigth,kind\n1,2,a\n");
        DataSchema schema = Schema with { InputColumns = ["x", "height"] };

        AssertProblem(schema, file, "no column 'height'", "an input of the model", "did you mean 'heigth'?");
    }

    [Fact]
    public void LoadFor_target_that_is_missing_is_named()
    {
        AssertProblem(folder.Write("new.csv", "x,y\n1,2\n"), "no column 'kind'");
    }

    [Fact]
    public void LoadFor_class_unknown_to_the_model_is_refused()
    {
        AssertProblem(folder.Write("new.csv", "x,y,kind\n1,2,c\n"), "row 1", "'c'", "a, b");
    }

    [Fact]
    public void LoadFor_bad_cell_says_nothing_of_ignoring_it()
    {
        string file = folder.Write("new.csv", "x,y,kind\n1,?,a\n");

        Assert.DoesNotContain("data.ignore", AssertProblem(file, "new.csv:2, column 'y': '?'").Message);
    }

    [Fact]
    public void LoadFor_file_that_is_missing_says_so()
    {
        AssertProblem(folder.At("none.csv"), "none.csv", "cannot be read");
    }

    [Fact]
    public void LoadFor_regression_target_is_in_the_units_of_the_network()
    {
        DataSchema schema = Schema with { Task = DataTask.Regression, Target = "price", Classes = [] };
        var constants = new Preprocessing(ScalingKind.None, [0, 0], [1, 1], 10, 4);
        string file = folder.Write("new.csv", "x,y,price\n1,2,18\n");

        Assert.Equal(2f, DataLoader.LoadFor(schema, constants, file, null, withTarget: true).Target(0));
    }

    [Fact]
    public void LoadFor_idx_of_another_width_is_refused()
    {
        string file = folder.Write("images", [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3]);
        DataSchema schema = Schema with { Format = DataFormat.Idx };

        DataException problem = Assert.Throws<DataException>(() => DataLoader.LoadFor(schema, scaling, file, null, withTarget: false));
        Assert.Contains("has 3 inputs per row, but the model has 2", problem.Message);
    }

    private static DataException AssertProblem(string file, params string[] parts) => AssertProblem(Schema, file, parts);

    private static DataException AssertProblem(DataSchema schema, string file, params string[] parts)
    {
        DataException problem = Assert.Throws<DataException>(() => DataLoader.LoadFor(schema, scaling, file, null, withTarget: true));
        Assert.All(parts, part => Assert.Contains(part, problem.Message));
        return problem;
    }
}
