using ActorMlp.Data.Splits;
using CsCheck;

namespace ActorMlp.Data.Tests.Splits;

public sealed class SplitTests
{
    /// <summary>Classes of up to 200 rows, and fractions that leave rows to train on.</summary>
    private static readonly Gen<(int[] Groups, double Validation, double Test, ulong Seed)> cases =
        from classes in Gen.Int[1, 12]
        from groups in Gen.Int[0, classes - 1].Array[1, 200]
        from validation in Gen.Int[0, 90]
        from test in Gen.Int[0, 99 - validation]
        from seed in Gen.ULong
        select (groups, validation / 100.0, test / 100.0, seed);

    [Fact]
    public void Draw_any_rows_puts_each_in_exactly_one_part()
    {
        cases.Sample(sample =>
        {
            RowSplit split = Draw(sample);
            Assert.Equal(
                Enumerable.Range(0, sample.Groups.Length), split.Training.Concat(split.Validation).Concat(split.Test).Order());
            Assert.All([split.Training, split.Validation, split.Test], part => Assert.Equal(part.Order(), part));
        });
    }

    [Fact]
    public void Draw_any_fractions_gives_parts_of_rounded_size()
    {
        cases.Sample(sample =>
        {
            RowSplit split = Draw(sample);
            Assert.Equal(Rounded(sample.Groups.Length, sample.Test), split.Test.Length);
            Assert.Equal(Rounded(sample.Groups.Length, sample.Validation), split.Validation.Length);
        });
    }

    [Fact]
    public void Draw_any_groups_keeps_each_share_within_one_row()
    {
        cases.Where(sample => sample.Validation + sample.Test <= 0.5).Sample(sample =>
        {
            RowSplit split = Draw(sample);
            foreach (IGrouping<int, int> group in sample.Groups.GroupBy(group => group))
            {
                AssertShare(group.Count() * sample.Test, split.Test.Count(row => sample.Groups[row] == group.Key));
                AssertShare(group.Count() * sample.Validation, split.Validation.Count(row => sample.Groups[row] == group.Key));
            }
        });
    }

    [Fact]
    public void Draw_same_seed_gives_the_same_split()
    {
        cases.Sample(sample =>
        {
            RowSplit one = Draw(sample), other = Draw(sample);
            Assert.Equal(one.Training, other.Training);
            Assert.Equal(one.Validation, other.Validation);
            Assert.Equal(one.Test, other.Test);
        });
    }

    [Fact]
    public void Draw_another_seed_gives_another_split()
    {
        // Two draws of 50 rows out of 200 are equal with a chance below 1e-47.
        Gen.Select(Gen.ULong, Gen.ULong).Where((one, other) => one != other).Sample((one, other) =>
            Assert.NotEqual(RowSplit.Draw(new int[200], 0, 0.25, one).Test, RowSplit.Draw(new int[200], 0, 0.25, other).Test));
    }

    [Fact]
    public void Draw_every_row_is_as_likely_to_be_tested_on()
    {
        const int Draws = 4000, Rows = 20;
        var counts = new int[Rows];
        for (int seed = 0; seed < Draws; seed++)
        {
            foreach (int row in RowSplit.Draw(new int[Rows], 0, 0.25, (ulong)seed).Test)
            {
                counts[row]++;
            }
        }

        // Binomial with mean 1000 and deviation 27: five deviations either way.
        Assert.All(counts, count => Assert.InRange(count, 1000 - 137, 1000 + 137));
    }

    [Fact]
    public void Draw_no_fractions_trains_on_every_row()
    {
        RowSplit split = RowSplit.Draw(new int[7], 0, 0, 1);

        Assert.Equal(Enumerable.Range(0, 7), split.Training);
        Assert.Empty(split.Validation);
        Assert.Empty(split.Test);
    }

    [Fact]
    public void Draw_groups_of_one_row_still_give_both_parts_their_size()
    {
        RowSplit split = RowSplit.Draw(Enumerable.Range(0, 10).ToArray(), 0.4, 0.5, 1);

        Assert.Equal(5, split.Test.Length);
        Assert.Equal(4, split.Validation.Length);
        Assert.Single(split.Training);
    }

    private static RowSplit Draw((int[] Groups, double Validation, double Test, ulong Seed) sample) =>
        RowSplit.Draw(sample.Groups, sample.Validation, sample.Test, sample.Seed);

    private static int Rounded(int rows, double fraction) => (int)Math.Round(rows * fraction, MidpointRounding.AwayFromZero);

    private static void AssertShare(double wanted, int rows) => Assert.InRange(rows, wanted - 1, wanted + 1);
}
