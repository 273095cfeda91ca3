! fortran_test FOLDER: the Fortran module on the files of write_models. Ends with status 0 where all is as it should be.
! fortran_test FOLDER stop: does something wrong without `stat`, which stops the program.
program fortran_test
  use, intrinsic :: iso_c_binding, only: c_int8_t
  use, intrinsic :: iso_fortran_env, only: real64
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite, ieee_positive_inf, ieee_value
  use ersatz
  implicit none
  integer, parameter :: row = 85
  integer :: failures = 0
  character(len=:), allocatable :: folder
  type(ersatz_emulator) :: emulator

  folder = argument(1)
  if (command_argument_count() > 1) then
    call emulator%open(folder//'/missing.h5')
    stop
  end if
  call emulator%open(folder//'/gp.h5   ')
  call describe()
  call evaluate()
  call slopes()
  call covariances()
  call bins_alone()
  call ownership()
  call errors()
  deallocate (folder)  ! those of a main program are kept, which valgrind takes for lost
  print '(i0,a)', failures, ' failures'
  if (failures > 0) error stop 1

contains

  function argument(i) result(word)
    integer, intent(in) :: i
    character(len=:), allocatable :: word
    integer :: length
    call get_command_argument(i, length=length)
    allocate (character(len=length) :: word)
    call get_command_argument(i, word)
  end function argument

  subroutine expect(good, what)
    logical, intent(in) :: good
    character(len=*), intent(in) :: what
    if (good) return
    failures = failures + 1
    print '(2a)', 'not so: ', what
  end subroutine expect

  subroutine describe()
    real(real64), allocatable :: values(:)
    call expect(emulator%is_open(), 'the model is open')
    call expect(emulator%parameter_count() == 2, 'two parameters')
    call expect(emulator%parameter_name(1) == 'a' .and. emulator%parameter_name(2) == 'b', 'names of parameters')
    call expect(len(emulator%parameter_unit(1)) == 0 .and. emulator%parameter_unit(2) == 'rad', 'units of parameters')
    call expect(all(emulator%parameter_bounds(1) == [1.0_real64, 10.0_real64]), 'bounds')
    call expect(emulator%parameter_scale(1) == ersatz_log .and. emulator%parameter_scale(2) == ersatz_linear, 'scales')
    call expect(emulator%parameter_number('b') == 2, 'a parameter by name')
    call expect(emulator%output_count() == 3 .and. emulator%row_size() == row, 'three outputs, 85 numbers')
    call expect(emulator%output_name(3) == 'wave' .and. emulator%output_number('wave') == 3, 'an output by name')
    call expect(emulator%output_is_complex(3) .and. .not. emulator%output_is_complex(2), 'complex outputs')
    call expect(emulator%output_first(1) == 1 .and. emulator%output_first(2) == 2 .and. emulator%output_first(3) == 26, &
                'where outputs begin')
    call expect(emulator%output_bins(2) == 24 .and. emulator%output_unit(2) == '', 'bins and unit of an output')
    call expect(emulator%axis_count() == 3 .and. emulator%output_axis(2) == 1, 'axes')
    call expect(emulator%axis_name(1) == 'lambda' .and. emulator%axis_unit(1) == 'Angstrom', 'an axis')
    values = emulator%axis_values(1)
    call expect(size(values) == 24 .and. values(1) == 1000 .and. values(24) == 3000, 'values of an axis')
    call expect(emulator%has_std() .and. emulator%has_jacobian(), 'what there is')
    call expect(ersatz_version() /= '' .and. ersatz_status_text(ersatz_ok) == 'done', 'texts')
  end subroutine describe

  !> A column is a point, alone and in a batch, with a workspace and without one, from arrays with gaps too.
  subroutine evaluate()
    integer, parameter :: q = 100
    type(ersatz_workspace) :: workspace
    real(real64) :: x(2, q), one(row), deviation(row), score(q), alone, wide(4, q)
    real(real64), allocatable :: mean(:, :), same(:, :), std(:, :), gaps(:, :)
    integer :: i
    allocate (mean(row, q), same(row, q), std(row, q), gaps(2*row, q))
    do i = 1, q
      x(:, i) = [1 + 9*(i - 0.5_real64)/q, -1 + 2*modulo(i*0.618_real64, 1.0_real64)]
    end do
    call emulator%mean(x, mean, workspace)
    call emulator%mean_and_std(x, same, std, workspace)
    call emulator%domain_score(x, score, workspace)
    call expect(all(mean == same) .and. all(std > 0), 'means with and without deviations')
    do i = 1, q
      call emulator%mean_and_std(x(:, i), one, deviation)
      call emulator%domain_score(x(:, i), alone)
      if (any(one /= mean(:, i)) .or. any(deviation /= std(:, i)) .or. alone /= score(i)) exit
    end do
    call expect(i == q + 1, 'points alone have the bits of a batch')
    ! y = sin(a) + b**2, learnt from 30 points.
    call expect(sum(abs(mean(1, :) - sin(x(1, :)) - x(2, :)**2))/q < 0.1, 'the function that was learnt')
    wide(1:4:2, :) = x
    call emulator%mean(wide(1:4:2, :), gaps(1:2*row:2, :))
    call expect(all(gaps(1:2*row:2, :) == mean), 'arrays with gaps')
    call emulator%domain_score([20.0_real64, 0.0_real64], alone)
    call expect(.not. ieee_is_finite(alone), 'outside of the bounds')
    call workspace%close()
    call emulator%mean(x(:, 1), one, workspace)   ! opens it again
    call expect(all(one == mean(:, 1)), 'a workspace that was closed')
    call emulator%mean(x(:, 1:0), mean(:, 1:0))   ! no points are none too few
  end subroutine evaluate

  subroutine slopes()
    real(real64), parameter :: step = 1.0e-3_real64
    real(real64) :: x(2, 3), mean(row, 3), jacobian(2, row, 3), one(row), alone(2, row), low(row), high(row), moved(2)
    integer :: i, k
    x = reshape([2.0_real64, 0.1_real64, 5.0_real64, -0.6_real64, 8.0_real64, 0.7_real64], [2, 3])
    call emulator%mean_and_jacobian(x, mean, jacobian)
    do i = 1, 3
      call emulator%mean_and_jacobian(x(:, i), one, alone)
      call expect(all(one == mean(:, i)) .and. all(alone == jacobian(:, :, i)), 'derivatives of points alone')
      do k = 1, 2
        moved = x(:, i)
        moved(k) = x(k, i) - step
        call emulator%mean(moved, low)
        moved(k) = x(k, i) + step
        call emulator%mean(moved, high)
        call expect(maxval(abs(jacobian(k, :, i) - (high - low)/(2*step))) < 1.0e-3, 'derivatives are slopes')
      end do
    end do
  end subroutine slopes

  subroutine covariances()
    real(real64) :: x(2), mean(row), std(row), diagonal(row), flux(24, 24), whole(row, row)
    real(real64), allocatable :: factors(:, :)
    integer :: j
    x = [4.0_real64, 0.3_real64]
    allocate (factors(row, emulator%covariance_rank()))
    call emulator%mean_and_std(x, mean, std)
    call emulator%covariance_factors(x, factors, diagonal)
    call emulator%covariance(2, x, flux)
    whole = matmul(factors, transpose(factors))
    do j = 1, row
      whole(j, j) = whole(j, j) + diagonal(j)
      call expect(abs(sqrt(whole(j, j)) - std(j)) < 1.0e-10*std(j), 'deviations are the diagonal')
    end do
    call expect(maxval(abs(flux - whole(2:25, 2:25))) < 1.0e-12*maxval(flux), 'covariance of an output')
  end subroutine covariances

  subroutine bins_alone()
    type(ersatz_emulator) :: part
    real(real64) :: mean(row), some(1 + 3 + 60)
    call emulator%restrict('lambda', [21, 4, 1], part)
    call expect(part%row_size() == 64 .and. part%output_bins(2) == 3, 'three bins')
    call expect(maxval(abs(part%axis_values(1) - 1000 - [20, 3, 0]*2000/23.0_real64)) < 1.0e-9, 'their places')
    call emulator%mean([3.0_real64, 0.2_real64], mean)
    call part%mean([3.0_real64, 0.2_real64], some)
    call expect(maxval(abs(some(2:4) - mean([22, 5, 2]))) < 1.0e-12*maxval(abs(mean)), 'their means')
  end subroutine bins_alone

  !> Assignment shares, each closes by itself; a failure to open leaves what was there.
  subroutine ownership()
    type(ersatz_emulator) :: first, second, from_bytes
    integer(c_int8_t), allocatable :: bytes(:)
    integer :: stat, unit, length
    first = emulator
    second = first
    call first%close()
    call expect(.not. first%is_open() .and. second%is_open(), 'one closed, its copy open')
    call expect(second%row_size() == row, 'the copy can be asked')
    second = second
    call expect(second%row_size() == row, 'assigned to itself')
    call second%open(folder//'/missing.h5', stat=stat)
    call expect(stat == ersatz_bad_file .and. second%row_size() == row, 'the old one stays where the new is missing')
    call second%open(folder//'/spectrum.h5')
    call expect(second%row_size() == 24, 'another in its place')
    call second%close()
    call second%close()   ! does nothing

    open (newunit=unit, file=folder//'/spectrum.h5', access='stream', form='unformatted', action='read', status='old')
    inquire (unit=unit, size=length)
    allocate (bytes(length))
    read (unit) bytes
    close (unit)
    call from_bytes%open_memory(bytes)
    call expect(from_bytes%row_size() == 24, 'a model in memory')
    call from_bytes%open_memory(bytes(1:length/2), stat=stat)
    call expect(stat == ersatz_bad_file .and. from_bytes%row_size() == 24, 'half a model in memory')
  end subroutine ownership

  subroutine errors()
    type(ersatz_emulator) :: closed, next, other
    type(ersatz_workspace) :: workspace
    real(real64) :: x(2), mean(row), few(row - 1), pair(row, 2), triple(row, 3), slope(row, 2)
    real(real64) :: score
    integer :: stat, number
    character(len=200) :: message
    character(len=:), allocatable :: name
    x = [2.0_real64, 0.0_real64]
    message = 'as it was'
    call emulator%mean(x, mean, stat=stat, errmsg=message)
    call expect(stat == ersatz_ok .and. message == 'as it was', 'errmsg stays where nothing fails')
    call closed%mean(x, mean, stat=stat, errmsg=message)
    call expect(stat == ersatz_bad_handle .and. index(message, 'is null') > 0, 'not open')
    call closed%mean(x, mean, workspace, stat, message)
    call expect(stat == ersatz_bad_handle, 'not open, with a workspace')
    number = closed%row_size(stat)
    call expect(stat == ersatz_bad_handle .and. number == 0, 'no size of what is not open')
    call emulator%mean(x, few, stat=stat, errmsg=message)
    call expect(stat == ersatz_bad_size .and. index(message, "'mean' is 84") > 0, 'too small')
    call emulator%mean(reshape(x, [2, 1]), pair, stat=stat, errmsg=message)
    call expect(stat == ersatz_bad_size .and. index(message, "(85, 2), expected is (85, 1)") > 0, 'too many columns')
    call emulator%mean(reshape([x, x, x], [2, 3]), triple(1:84, :), stat=stat, errmsg=message)
    call expect(stat == ersatz_bad_size .and. index(message, "(84, 3), expected is (85, 3)") > 0, 'too short')
    call emulator%mean_and_std(reshape([x, x], [2, 2]), pair, triple, stat=stat, errmsg=message)
    call expect(stat == ersatz_bad_size .and. index(message, "'std'") > 0, 'shape of deviations')
    call emulator%mean_and_jacobian(x, mean, slope, stat=stat, errmsg=message)
    call expect(stat == ersatz_bad_size .and. index(message, "(85, 2), expected is (2, 85)") > 0, 'a Jacobian on its side')
    call emulator%covariance(2, x, pair, stat=stat, errmsg=message)
    call expect(stat == ersatz_bad_size .and. index(message, "expected is (24, 24)") > 0, 'shape of a covariance')
    call emulator%mean([-1.0_real64, 0.0_real64], mean, stat=stat, errmsg=message)
    call expect(stat == ersatz_bad_input .and. index(message, 'must be positive') > 0, 'a negative mass')
    name = emulator%output_name(4, stat, message)
    call expect(stat == ersatz_bad_name .and. name == '', 'no fourth output')
    call expect(index(message, 'no output number 4, they count from 1 to 3') > 0, 'numbers as they count here: '//trim(message))
    message = ''
    call emulator%mean(reshape([x, x(1), ieee_value(x(1), ieee_positive_inf)], [2, 2]), pair, stat=stat, errmsg=message)
    call expect(index(message, 'point 2: ') == 1, 'points count from 1: '//trim(message))
    score = 7
    call closed%domain_score(x, score, stat=stat)
    call expect(stat == ersatz_bad_handle .and. score == 7, 'no score that reads as inside')
    number = emulator%output_number('light', stat, message)
    call expect(stat == ersatz_bad_name .and. index(message, 'y, flux, wave') > 0, 'no output of that name')
    call expect(size(emulator%axis_values(9, stat)) == 0 .and. stat == ersatz_bad_name, 'no ninth axis')
    call emulator%restrict('lambda', [0, 1], closed, stat, message)
    call expect(stat == ersatz_bad_name .and. .not. closed%is_open(), 'bins count from 1')
    call next%open(folder//'/next.h5')
    call other%open(folder//'/other.h5')
    call emulator%check_replacement(next)
    call emulator%check_replacement(other, stat, message)
    call expect(stat == ersatz_not_compatible .and. index(message, 'erg') > 0, 'another unit')
    call expect(index(ersatz_status_text(ersatz_failure), 'unexpected') > 0 .and. &
                index(ersatz_status_text(ersatz_not_finite), 'finite') > 0 .and. &
                index(ersatz_status_text(ersatz_bad_input), 'value') > 0, 'the numbers of statuses')
  end subroutine errors

end program fortran_test
