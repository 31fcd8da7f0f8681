using CsCheck;

namespace ActorMlp.Data.Tests;

public sealed class NearestNameTests
{
    [Theory]
    [InlineData("learningrate", "learningRate")]
    [InlineData("lerningRate", "learningRate")]
    [InlineData("leanringRate", "learningRate")]
    [InlineData("epoch", "epochs")]
    [InlineData("peochs", "epochs")]
    [InlineData("EPOCHS", "epochs")]
    public void Of_misspelt_name_is_the_one_meant(string wrong, string meant)
    {
        Assert.Equal(meant, NearestName.Of(wrong, ["batchSize", "epochs", "learningRate", "seed"]));
    }

    [Theory]
    [InlineData("temperature")]
    [InlineData("")]
    public void Of_name_far_from_all_is_none(string wrong)
    {
        Assert.Null(NearestName.Of(wrong, ["batchSize", "epochs", "learningRate"]));
    }

    [Fact]
    public void Of_no_known_names_is_none() => Assert.Null(NearestName.Of("epochs", []));

    [Fact]
    public void Of_two_as_near_is_the_first() => Assert.Equal("c1", NearestName.Of("c9", ["c1", "c2"]));

    [Theory]
    [InlineData("y")]
    [InlineData("ab")]
    public void Of_short_name_of_which_no_letter_fits_is_none(string wrong) => Assert.Null(NearestName.Of(wrong, ["x", "cd"]));

    [Fact]
    public void Of_a_swap_of_neighbours_counts_as_one_slip() => Assert.Equal("abcd", NearestName.Of("abdc", ["abxy", "abcd"]));

    [Fact]
    public void Of_known_name_is_itself()
    {
        Gen.Char['a', 'z'].Array[1, 12].Select(letters => new string(letters)).Array[1, 10].Sample(names =>
        {
            foreach (string name in names)
            {
                Assert.Equal(name, NearestName.Of(name, names));
            }
        });
    }
}
